"""Count over the splits, keeping nothing but counts, so that memory does not grow with the reviews."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from tqdm import tqdm

from spoilers.core.errors import UserError
from spoilers.text.vocabulary import FEW, WordCounts

SPLITS = ("train", "validation", "test")
COLUMNS = ["label", "rating", "date", "user_id", "book_id", "sentence_lengths", "sentence_labels"]
BATCH = 8192  # reviews in memory at a time
PARTS = 10  # equal parts of a review, from beginning to end


class Histogram:
    """Counts of each whole number from 0 on, without and with a spoiler: `counts` (numbers, 2)."""

    def __init__(self) -> None:
        self.counts = np.zeros((0, 2), np.int64)

    def add(self, values: np.ndarray, spoils: np.ndarray) -> None:
        """Add values with one bool label each."""
        found = np.bincount(2 * values.astype(np.int64) + spoils)
        found = np.append(found, np.zeros(len(found) % 2, np.int64)).reshape(-1, 2)
        longer, shorter = sorted((self.counts, found), key=len, reverse=True)
        self.counts = longer.copy()
        self.counts[: len(shorter)] += shorter


class GroupCounts:
    """Reviews and spoilers of each group at each value, with a row for each pair that occurs.

    Memory grows with the number of pairs. Added rows wait until they outnumber the summed rows.
    """

    SCHEMA = pa.schema(
        {"group": pa.string(), "value": pa.int64(), "reviews": pa.int64(), "spoilers": pa.int64()}
    )

    def __init__(self) -> None:
        self.summed, self.waiting = self.SCHEMA.empty_table(), []

    def add(self, groups: pa.Array, values: pa.Array, spoils: pa.Array) -> None:
        """Add reviews by their group, value and label; those without a group or a value are left out."""
        columns = [groups.cast(pa.string()), values, pa.repeat(1, len(groups)), spoils]
        cast = [column.cast(field.type) for column, field in zip(columns, self.SCHEMA, strict=True)]
        rows = pa.table(cast, schema=self.SCHEMA)
        known = pc.and_(rows["group"].is_valid(), rows["value"].is_valid())
        self.waiting.append(self.sum(rows.filter(known)))
        if sum(map(len, self.waiting)) > max(len(self.summed), FEW):
            self.table()

    def table(self) -> pa.Table:
        """Return a table of `group`, `value`, `reviews` and `spoilers`."""
        self.summed, self.waiting = self.sum(pa.concat_tables([self.summed, *self.waiting])), []
        return self.summed

    def sum(self, rows: pa.Table) -> pa.Table:
        grouped = rows.group_by(["group", "value"], use_threads=False)
        return pa.table(
            grouped.aggregate([("reviews", "sum"), ("spoilers", "sum")]).columns, schema=self.SCHEMA
        )


class Counts:
    """All counts; `add` takes batches of any split."""

    def __init__(self) -> None:
        self.review_tokens, self.review_sentences = Histogram(), Histogram()
        self.sentence_tokens = Histogram()  # of the sentences that have a label
        self.values = {"rating": Histogram(), "year": Histogram()}
        self.grouped = {(key, by): GroupCounts() for key in self.values for by in ("user_id", "book_id")}
        self.users, self.books = WordCounts(), WordCounts()
        self.parts = Histogram()  # sentences by position, in spoiler reviews of `PARTS` sentences or more
        self.places = Moments()  # mean position of a review's flags, from 0 to 1, in the same reviews

    def add(self, batch: pa.RecordBatch) -> None:
        spoils = batch["label"].to_numpy(zero_copy_only=False)
        for key, values in (("rating", batch["rating"]), ("year", pc.year(batch["date"]))):
            known = values.is_valid()
            self.values[key].add(values.drop_null().to_numpy(), spoils[known.to_numpy(zero_copy_only=False)])
            for by in ("user_id", "book_id"):
                self.grouped[key, by].add(batch[by], values, batch["label"])
        for groups, column in ((self.users, batch["user_id"]), (self.books, batch["book_id"])):
            values, counts = pc.value_counts(column.drop_null()).flatten()
            groups.add(values, counts.to_numpy())
        self.add_sentences(batch, spoils)

    def grouped_tables(self, key: str) -> tuple[pa.Table, pa.Table]:
        """Return the tables of a key's counts by user and by book (see `GroupCounts`)."""
        return self.grouped[key, "user_id"].table(), self.grouped[key, "book_id"].table()

    def add_sentences(self, batch: pa.RecordBatch, spoils: np.ndarray) -> None:
        lengths = batch["sentence_lengths"].flatten().to_numpy().astype(np.int64)
        counts = np.diff(batch["sentence_lengths"].offsets.to_numpy()).astype(np.int64)  # (reviews)
        review = np.repeat(np.arange(len(counts)), counts)  # (sentences)
        self.review_sentences.add(counts, spoils)
        self.review_tokens.add(np.bincount(review, lengths, len(counts)), spoils)

        has_labels = batch["sentence_labels"].is_valid().to_numpy(zero_copy_only=False)
        flags = batch["sentence_labels"].flatten().to_numpy(zero_copy_only=False).astype(bool)
        labelled = has_labels[review]
        self.sentence_tokens.add(lengths[labelled], flags)

        starts = np.cumsum(counts) - counts
        place = (np.arange(len(review)) - starts[review] + 0.5) / counts[review]
        placed = (spoils & (counts >= PARTS))[review][labelled]
        place, flags, review = place[labelled][placed], flags[placed], review[labelled][placed]
        self.parts.add(PARTS * place, flags)
        flagged = np.bincount(review[flags], minlength=len(counts))
        sums = np.bincount(review[flags], place[flags], minlength=len(counts))
        self.places.add(sums[flagged > 0] / flagged[flagged > 0])


class Moments:
    """Running mean of numbers, and its standard error."""

    def __init__(self) -> None:
        self.number, self.sum, self.squares = 0, 0.0, 0.0

    def add(self, values: np.ndarray) -> None:
        self.number += len(values)
        self.sum += float(values.sum())
        self.squares += float((values**2).sum())

    @property
    def mean(self) -> float:
        return self.sum / self.number

    @property
    def error(self) -> float:
        return (max(self.squares / self.number - self.mean**2, 0) / (self.number - 1)) ** 0.5


def count_splits(folder: Path, words: int) -> tuple[Counts, np.ndarray]:
    """Count all reviews of the splits, and the words of the training reviews.

    Returns the counts, and the number of training reviews, without and with a spoiler, that contain
    each word of the vocabulary: (words, 2). The latter uses neither validation nor test.

    Raises:
        UserError: a split is missing or damaged.
    """
    counts, held = Counts(), np.zeros((words, 2), np.int64)
    for name in SPLITS:
        for batch in read(folder / f"{name}.parquet", COLUMNS):
            counts.add(batch)
    for batch in read(folder / "train.parquet", ["label", "ids"]):
        held += reviews_with_words(batch, words)
    return counts, held


def read(path: Path, columns: list[str]) -> Iterator[pa.RecordBatch]:
    try:
        with (
            pq.ParquetFile(path) as file,
            tqdm(
                total=file.metadata.num_rows, desc=f"inspect {path.stem}", unit=" reviews", unit_scale=True,
                disable=None, leave=False,
            ) as progress,
        ):  # fmt: skip
            for group in range(file.num_row_groups):  # one group at a time, to bound memory
                for batch in file.iter_batches(BATCH, [group], columns):
                    yield batch
                    progress.update(len(batch))
    except (OSError, pa.ArrowInvalid) as error:
        raise UserError(f"{path}: could not be read ({error}); run `dvc repro split`") from error


def reviews_with_words(batch: pa.RecordBatch, words: int) -> np.ndarray:
    """Count the batch's reviews, without and with a spoiler, that contain each word: (words, 2)."""
    ids = batch["ids"].flatten().to_numpy()
    review = np.repeat(np.arange(len(batch)), np.diff(batch["ids"].offsets.to_numpy()))
    pairs = np.sort(review * words + ids)  # each review with each of its words
    pairs = pairs[np.diff(pairs, prepend=-1) > 0]
    spoils = batch["label"].to_numpy(zero_copy_only=False)[pairs // words]
    return np.bincount(2 * (pairs % words) + spoils, minlength=2 * words).reshape(words, 2)
