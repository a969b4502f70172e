"""Training, validation and test reviews, such that what must stay together does.

Books (or users) are placed by a salted hash of their id, so that a book stays where it is when
the data grows. The vocabulary is counted on the training reviews alone.
"""

from collections import Counter
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stages.errors import UserError
from stages.files import replacing_folder
from stages.params import Split
from stages.text.vocabulary import UNKNOWN, Vocabulary

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
BATCH = 16_384  # reviews in memory at a time

Place = Callable[[pa.RecordBatch], np.ndarray]  # the index in NAMES of each review of a batch


def split_file(source: Path, folder: Path, settings: Split, seed: int) -> dict:
    """Write `train.parquet`, `validation.parquet`, `test.parquet` and `vocabulary.txt`; return the metrics.

    Raises:
        UserError: a split is empty or has a single class.
    """
    fractions = settings.fractions
    bounds = np.array([fractions.train, fractions.train + fractions.validation])
    place = by_time(source, bounds) if settings.by == "time" else by_hash(settings.by, bounds, seed)
    with pq.ParquetFile(source) as file, replacing_folder(folder) as partial:
        counts = count_training_tokens(file, place)
        vocabulary = Vocabulary.of_counts(counts, settings.vocabulary.max_size, settings.vocabulary.min_count)
        vocabulary.save(partial / "vocabulary.txt")
        tallies = {name: Tally() for name in NAMES}
        writers = [
            pq.ParquetWriter(partial / f"{name}.parquet", SCHEMA, compression="zstd") for name in NAMES
        ]
        for batch in file.iter_batches(BATCH):
            places = place(batch)
            table = with_ids(batch, vocabulary)
            for i, name in enumerate(NAMES):
                part = table.filter(pa.array(places == i))
                tallies[name].add(part)
                writers[i].write_table(part)
        for writer in writers:
            writer.close()
        check_classes(tallies, settings)
    return metrics(tallies, len(vocabulary))


def by_hash(by: str, bounds: np.ndarray, seed: int) -> Place:
    """Place groups by a hash of their id, salted with the seed."""
    column = GROUP_COLUMN[by]

    def place(batch: pa.RecordBatch) -> np.ndarray:
        groups = batch[column].dictionary_encode()
        shares = [hash_share(group, seed) for group in groups.dictionary.to_pylist()]
        return np.searchsorted(bounds, np.array(shares), side="right")[groups.indices.to_numpy()]

    return place


def hash_share(key: str, seed: int) -> float:
    """A number from [0, 1) that depends on key and seed alone."""
    return int.from_bytes(blake2b(key.encode(), digest_size=8, salt=str(seed).encode()).digest()) / 2**64


def by_time(source: Path, bounds: np.ndarray) -> Place:
    """Place reviews by date: train on the earliest, test on the latest; no day is in two splits."""
    dates = pq.read_table(source, columns=["date"])["date"].cast(pa.int32()).to_numpy()
    cuts = np.quantile(dates, bounds, method="higher") if len(dates) else np.zeros(2)

    def place(batch: pa.RecordBatch) -> np.ndarray:
        return np.searchsorted(cuts, batch["date"].cast(pa.int32()).to_numpy(), side="right")

    return place


def count_training_tokens(file: pq.ParquetFile, place: Place) -> Counter[str]:
    counts: Counter[str] = Counter()
    for batch in file.iter_batches(BATCH):
        lists = batch["tokens"]
        training = np.repeat(place(batch) == 0, np.diff(lists.offsets.to_numpy()))
        tokens = lists.flatten()
        times = np.bincount(tokens.indices.to_numpy()[training], minlength=len(tokens.dictionary))
        seen = np.flatnonzero(times)
        words = tokens.dictionary.take(pa.array(seen)).to_pylist()
        counts.update(dict(zip(words, times[seen].tolist(), strict=True)))
    return counts


def with_ids(batch: pa.RecordBatch, vocabulary: Vocabulary) -> pa.Table:
    lists = batch["tokens"]
    tokens = lists.flatten()
    ids = vocabulary.lookup(tokens.dictionary.to_pylist())[tokens.indices.to_numpy()]
    offsets = lists.offsets.to_numpy()
    columns = {name: batch[name] for name in SCHEMA.names if name != "ids"}
    columns["ids"] = pa.ListArray.from_arrays(pa.array(offsets - offsets[0]), pa.array(ids))
    return pa.table([columns[name] for name in SCHEMA.names], schema=SCHEMA)


class Tally:
    """What is told of a split: sizes, classes, unknown words, books and users."""

    def __init__(self) -> None:
        self.reviews = self.spoilers = self.tokens = self.unknown = 0
        self.books: set[str] = set()
        self.users: set[str] = set()

    def add(self, part: pa.Table) -> None:
        ids = part["ids"].combine_chunks().flatten().to_numpy()
        self.reviews += len(part)
        self.spoilers += pc.sum(part["label"]).as_py() or 0
        self.tokens += len(ids)
        self.unknown += int((ids == UNKNOWN).sum())
        self.books.update(part["book_id"].unique().to_pylist())
        self.users.update(part["user_id"].unique().to_pylist())


def check_classes(tallies: dict[str, Tally], settings: Split) -> None:
    for name, tally in tallies.items():
        if tally.reviews and 0 < tally.spoilers < tally.reviews:
            continue
        what = (
            "is empty"
            if not tally.reviews
            else ("holds nothing but spoilers" if tally.spoilers else "holds no spoiler")
        )
        raise UserError(
            f"split: {name} {what} ({tally.reviews} reviews); use more data (clean.fraction,"
            f" download.sample.reviews), raise split.fractions.{name}, another seed, or another"
            f" split.by than {settings.by}"
        )


def metrics(tallies: dict[str, Tally], vocabulary_size: int) -> dict:
    """Sizes, prevalence and unknown words of each split, and what the others share with training."""
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
