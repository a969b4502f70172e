"""Split reviews into training, validation and test, by groups that must not be divided.

The split of a book (or user) follows from a salted hash of its id, so that it stays the same when the
data grows. The vocabulary is counted on the training reviews alone.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from tqdm import tqdm

from spoilers.core.errors import UserError
from spoilers.core.files import replacing_folder
from spoilers.core.hashing import hash_share
from spoilers.core.parallel import ordered_map
from spoilers.core.params import Split
from spoilers.core.params import Vocabulary as VocabularySettings
from spoilers.text.encoding import token_ids
from spoilers.text.token_table import RowGroups
from spoilers.text.vocabulary import UNKNOWN, Vocabulary, WordCounts

NAMES = ("train", "validation", "test")
GROUP_COLUMN = {"book": "book_id", "user": "user_id", "random": "review_id"}
SCHEMA = pa.schema(
    {
        "review_id": pa.string(),
        "book_id": pa.string(),
        "user_id": pa.string(),
        "date": pa.date32(),
        "rating": pa.int8(),
        "label": pa.bool_(),
        "ids": pa.list_(pa.int32()),
        "sentence_lengths": pa.list_(pa.uint16()),
        "sentence_labels": pa.list_(pa.bool_()),
    }
)
STORAGE = {
    "compression": "zstd",
    "use_dictionary": ["book_id", "user_id"],
    # Stores the high bytes of all ids together. They are mostly 0, so the file is smaller and a third
    # faster to write.
    "column_encoding": {"ids.list.element": "BYTE_STREAM_SPLIT"},
    "write_statistics": False,
}


def split_file(source: Path, folder: Path, settings: Split, seed: int, workers: int) -> dict:
    """Split a file of tokens; return sizes and shares of each split.

    Write `train.parquet`, `validation.parquet`, `test.parquet` and `vocabulary.txt` into `folder`.

    Raises:
        UserError: a split is empty or has a single class.
    """
    groups = RowGroups(source)
    splits = assign_splits(groups, settings, seed)
    check_classes(splits, groups.column("label").to_numpy(), settings)
    with replacing_folder(folder) as partial:
        vocabulary = make_vocabulary(groups, splits, settings.vocabulary, workers)
        vocabulary.save(partial / "vocabulary.txt")
        tallies = write_splits(groups, splits, vocabulary, partial, workers)
    return metrics(tallies, len(vocabulary))


def assign_splits(groups: RowGroups, settings: Split, seed: int) -> np.ndarray:
    """Return each review's split as an index into `NAMES`, int8 (reviews)."""
    bounds = np.cumsum([settings.fractions.train, settings.fractions.validation])
    if settings.by == "time":
        return split_by_time(groups.column("date").to_numpy(), bounds)
    column = GROUP_COLUMN[settings.by]
    splits = [split_by_hash(batch[column], bounds, seed) for batch in groups.batches([column])]
    return np.concatenate(splits or [np.empty(0, np.int8)])


def split_by_hash(ids: pa.Array, bounds: np.ndarray, seed: int) -> np.ndarray:
    """Assign ids to splits by a hash salted with the seed; return each one's split, int8 (ids)."""
    ids, salt = ids.dictionary_encode(), str(seed).encode()
    shares = np.array([hash_share(key, salt, b"") for key in ids.dictionary.to_pylist()])
    return np.searchsorted(bounds, shares, side="right").astype(np.int8)[ids.indices.to_numpy()]


def split_by_time(dates: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Assign reviews to splits by date: train on the earliest, test on the latest, and split no day.

    Return the splits, int8 (reviews).
    """
    if len(dates) == 0:
        return np.empty(0, np.int8)
    days = dates.astype("datetime64[D]").astype(np.int64)
    cuts = np.quantile(days, bounds, method="higher")
    return np.searchsorted(cuts, days, side="right").astype(np.int8)


def check_classes(splits: np.ndarray, labels: np.ndarray, settings: Split) -> None:
    """Check that every split has both classes.

    Raises:
        UserError: one lacks a class; the message says what to change.
    """
    for i, name in enumerate(NAMES):
        reviews, spoilers = np.sum(splits == i), np.sum(labels[splits == i])
        if 0 < spoilers < reviews:
            continue
        what = "holds nothing but spoilers" if spoilers else "holds no spoiler" if reviews else "is empty"
        raise UserError(
            f"split: {name} {what} ({reviews} reviews); use more data (clean.fraction,"
            f" download.sample.reviews), raise split.fractions.{name}, or choose another seed or another"
            f" split.by than {settings.by}"
        )


def make_vocabulary(
    groups: RowGroups, splits: np.ndarray, settings: VocabularySettings, workers: int
) -> Vocabulary:
    """Return the vocabulary of the training reviews."""

    def count(group_and_splits: tuple[int, np.ndarray]) -> tuple[pa.Array, np.ndarray]:
        group, splits = group_and_splits
        lists = groups.read(group, ["tokens"])["tokens"]
        tokens = lists.flatten()
        training = np.repeat(splits == 0, np.diff(lists.offsets.to_numpy()))
        times = np.bincount(tokens.indices.to_numpy()[training], minlength=len(tokens.dictionary))
        seen = np.flatnonzero(times)
        return tokens.dictionary.take(pa.array(seen)), times[seen]

    counts = WordCounts()
    for words, times in ordered_map(count, groups_with_splits(groups, splits, "count words"), workers):
        counts.add(words, times)
    return Vocabulary.of_counts(counts.table(), settings.max_size, settings.min_count)


def groups_with_splits(groups: RowGroups, splits: np.ndarray, what: str) -> Iterator[tuple[int, np.ndarray]]:
    """Yield each row group's number and its reviews' splits; show a progress bar named `what`."""
    start = 0
    with tqdm(
        desc=what, total=len(splits), unit=" reviews", unit_scale=True, disable=None, leave=False
    ) as progress:
        for group in range(len(groups)):
            rows = groups.rows(group)
            yield group, splits[start : start + rows]
            start += rows
            progress.update(rows)


def write_splits(
    groups: RowGroups, splits: np.ndarray, vocabulary: Vocabulary, folder: Path, workers: int
) -> dict[str, "Tally"]:
    """Write each split's reviews to its file, with ids instead of tokens; return the tallies."""

    def divide(group_and_splits: tuple[int, np.ndarray]) -> list[pa.Table]:
        group, splits = group_and_splits
        table = with_ids(groups.read(group), vocabulary)
        return [table.filter(pa.array(splits == i)) for i in range(len(NAMES))]

    def write(writer: pq.ParquetWriter, tally: Tally, part: pa.Table) -> None:
        if len(part):
            tally.add(part)
            writer.write_table(part)

    tallies = {name: Tally() for name in NAMES}
    with ExitStack() as stack:
        threads = stack.enter_context(ThreadPoolExecutor(len(NAMES)))
        writers = [
            stack.enter_context(pq.ParquetWriter(folder / f"{name}.parquet", SCHEMA, **STORAGE))
            for name in NAMES
        ]
        for parts in ordered_map(divide, groups_with_splits(groups, splits, "split"), workers):
            list(threads.map(write, writers, tallies.values(), parts))
    return tallies


def with_ids(batch: pa.RecordBatch, vocabulary: Vocabulary) -> pa.Table:
    """Return the batch as a table in `SCHEMA`, with ids instead of tokens."""
    columns = {name: batch[name] for name in SCHEMA.names if name != "ids"}
    columns["ids"] = token_ids(batch["tokens"], vocabulary)
    return pa.table([columns[name] for name in SCHEMA.names], schema=SCHEMA)


class Tally:
    """Running counts of one split: reviews, spoilers, tokens, unknown words, books and users."""

    def __init__(self) -> None:
        self.reviews = self.spoilers = self.tokens = self.unknown = 0
        self.books: set[str] = set()
        self.users: set[str] = set()

    def add(self, part: pa.Table) -> None:
        """Add the reviews of a table in `SCHEMA`."""
        ids = part["ids"].combine_chunks().flatten().to_numpy()
        self.reviews += len(part)
        self.spoilers += pc.sum(part["label"]).as_py() or 0
        self.tokens += len(ids)
        self.unknown += int((ids == UNKNOWN).sum())
        self.books.update(part["book_id"].unique().to_pylist())
        self.users.update(part["user_id"].unique().to_pylist())


def metrics(tallies: dict[str, Tally], vocabulary_size: int) -> dict:
    """Return each split's size, prevalence, unknown words, and books and users shared with training."""
    train = tallies["train"]
    result: dict = {"vocabulary": vocabulary_size}
    for name, tally in tallies.items():
        result[name] = {
            "reviews": tally.reviews,
            "prevalence": round(tally.spoilers / tally.reviews, 4),
            "tokens": tally.tokens,
            "unknown_tokens": round(tally.unknown / max(tally.tokens, 1), 4),
            "books": len(tally.books),
            "users": len(tally.users),
        }
        if name != "train":
            result[name]["books_seen_in_training"] = len(tally.books & train.books)
            result[name]["users_seen_in_training"] = len(tally.users & train.users)
    return result
