"""Hold encoded reviews in flat arrays, without a Python object per review."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from spoilers.core.errors import UserError
from spoilers.text.vocabulary import UNKNOWN

AT_ONCE = 1 << 13  # reviews read from a file at a time


@dataclass(frozen=True)
class Reviews:
    """The token ids and sentences of many reviews, concatenated.

    They take 4 bytes a token, 12 a sentence and 20 a review.
    Review `i` has the tokens `ids[token_ends[i-1]:token_ends[i]]` and the sentences from
    `sentence_ends[i-1]` up to `sentence_ends[i]`. No sentence is empty.
    """

    ids: np.ndarray  # int32 (tokens)
    token_ends: np.ndarray  # int64 (reviews)
    sentence_lengths: np.ndarray  # int32 (sentences): tokens in each
    sentence_ends: np.ndarray  # int64 (reviews)
    labels: np.ndarray  # float32 (reviews): 1 for a spoiler
    sentence_labels: np.ndarray  # float32 (sentences): 1, 0, or NaN where there is no label
    sentence_positions: np.ndarray  # int32 (sentences): index among the sentences of the whole review

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def lengths(self) -> np.ndarray:
        """Return each review's token count, int64 (reviews)."""
        return np.ediff1d(self.token_ends, to_begin=self.token_ends[:1])

    @property
    def sentence_counts(self) -> np.ndarray:
        """Return each review's sentence count, int64 (reviews)."""
        return np.ediff1d(self.sentence_ends, to_begin=self.sentence_ends[:1])

    @property
    def review_of_sentence(self) -> np.ndarray:
        """Return the index of each sentence's review, int64 (sentences)."""
        return np.repeat(np.arange(len(self)), self.sentence_counts)

    @property
    def labelled_sentences(self) -> int:
        """Return the number of sentences that have a label."""
        return int((~np.isnan(self.sentence_labels)).sum())

    def choose(self, rows: np.ndarray) -> "Reviews":
        """Return the reviews at `rows`, in that order."""
        starts, lengths = spans(self.token_ends, rows)
        tokens = ranges(starts, lengths)
        starts, counts = spans(self.sentence_ends, rows)
        sentences = ranges(starts, counts)
        return Reviews(
            self.ids[tokens],
            np.cumsum(lengths),
            self.sentence_lengths[sentences],
            np.cumsum(counts),
            self.labels[rows],
            self.sentence_labels[sentences],
            self.sentence_positions[sentences],
        )

    def blocks(self, size: int) -> Iterator["Reviews"]:
        """Yield the reviews, `size` at a time."""
        for start in range(0, len(self), size):
            yield self.choose(np.arange(start, min(start + size, len(self))))


def spans(ends: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the starts and lengths of the lists at `rows`, given the ends of all lists.

    The time grows with `rows` alone: each training step chooses a batch out of a million reviews.
    """
    starts = np.where(rows > 0, ends[rows - 1], 0)
    return starts, ends[rows] - starts


def ranges(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return `arange(start, start + length)` of all pairs, concatenated."""
    ends = np.cumsum(lengths)
    total = ends[-1] if len(ends) else 0
    return np.arange(total) + np.repeat(starts - (ends - lengths), lengths)


@dataclass(frozen=True)
class ReviewFile:
    """A split on disk that can be read many times, one block at a time.

    Reviews with more than `max_tokens` tokens keep only their head and tail.
    """

    path: Path | str
    max_tokens: int

    def __len__(self) -> int:
        """Return the number of reviews."""
        with self.opened() as file:
            return file.metadata.num_rows

    def blocks(self, size: int) -> Iterator[Reviews]:
        """Yield the reviews, `size` at a time; an empty block if there are none.

        Raises:
            UserError: the file is missing or is not a split.
        """
        columns = ["label", "ids", "sentence_lengths", "sentence_labels"]
        with self.opened() as file:
            if file.metadata.num_rows == 0:
                yield from_table(file.schema_arrow.empty_table(), self.max_tokens)
            for batch in file.iter_batches(size, columns=columns):
                yield from_table(pa.Table.from_batches([batch]), self.max_tokens)

    @contextmanager
    def opened(self) -> Iterator[pq.ParquetFile]:
        try:
            with pq.ParquetFile(self.path) as file:
                yield file
        except (OSError, pa.ArrowInvalid, KeyError) as error:
            raise UserError(f"{self.path}: could not be read ({error}); run `dvc repro split`") from error


def load(path: Path | str, max_tokens: int) -> Reviews:
    """Read a split; keep the head and the tail of reviews with more than `max_tokens` tokens.

    Raises:
        UserError: the file is missing or is not a split.
    """
    return concatenate(list(ReviewFile(path, max_tokens).blocks(AT_ONCE)))


def concatenate(parts: list[Reviews]) -> Reviews:
    """Return the reviews of all parts, in order."""

    def whole(array: str) -> np.ndarray:
        return np.concatenate([getattr(part, array) for part in parts])

    return Reviews(
        ids=whole("ids"),
        token_ends=np.cumsum(whole("lengths")),
        sentence_lengths=whole("sentence_lengths"),
        sentence_ends=np.cumsum(whole("sentence_counts")),
        labels=whole("labels"),
        sentence_labels=whole("sentence_labels"),
        sentence_positions=whole("sentence_positions"),
    )


def from_table(table: pa.Table, max_tokens: int) -> Reviews:
    """Return the reviews of a split's table, with head-and-tail truncation to `max_tokens` tokens.

    A review without any token becomes a single unknown word, so that every review has a state.
    """
    ids = table["ids"].combine_chunks()
    sentences = table["sentence_lengths"].combine_chunks()
    counts = np.diff(sentences.offsets.to_numpy())
    sentence_lengths = sentences.flatten().to_numpy().astype(np.int64)
    sentence_labels = labels_or_nan(table["sentence_labels"].combine_chunks(), counts)
    lengths = np.diff(ids.offsets.to_numpy()).astype(np.int64)

    keep = head_and_tail(lengths, max_tokens)
    sentence_of_token = np.repeat(np.arange(len(sentence_lengths)), sentence_lengths)
    kept_lengths = np.bincount(sentence_of_token[keep], minlength=len(sentence_lengths))
    left = kept_lengths > 0
    review_of_sentence = np.repeat(np.arange(len(table)), counts)
    token_ends = np.cumsum(np.minimum(lengths, max_tokens))
    sentence_ends = np.cumsum(np.bincount(review_of_sentence[left], minlength=len(table)))
    positions = ranges(np.zeros(len(counts), np.int64), counts)[left]

    empty = np.flatnonzero(lengths == 0)
    tokens_before, sentences_before = token_ends[empty], sentence_ends[empty]
    added = np.cumsum(lengths == 0)
    return Reviews(
        ids=np.insert(ids.flatten().to_numpy()[keep], tokens_before, UNKNOWN),
        token_ends=token_ends + added,
        sentence_lengths=np.insert(kept_lengths[left], sentences_before, 1).astype(np.int32),
        sentence_ends=sentence_ends + added,
        labels=table["label"].to_numpy().astype(np.float32),
        sentence_labels=np.insert(sentence_labels[left], sentences_before, np.nan),
        sentence_positions=np.insert(positions, sentences_before, 0).astype(np.int32),
    )


def labels_or_nan(lists: pa.ListArray, counts: np.ndarray) -> np.ndarray:
    """Return sentence labels as float32 (sentences), NaN for all sentences of a review without labels."""
    result = np.full(counts.sum(), np.nan, np.float32)
    has = np.repeat(lists.is_valid().to_numpy(zero_copy_only=False), counts)
    result[has] = lists.flatten().to_numpy(zero_copy_only=False)
    return result


def head_and_tail(lengths: np.ndarray, max_tokens: int) -> np.ndarray:
    """Return a mask of tokens to keep, bool (tokens): each review's first and last `max_tokens` / 2.

    The tail is kept because spoilers tend to come late.
    """
    head = max_tokens // 2
    position = ranges(np.zeros(len(lengths), np.int64), lengths)
    from_end = np.repeat(lengths, lengths) - position
    return (position < head) | (from_end <= max_tokens - head)
