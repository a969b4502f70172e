"""Training, validation and test reviews, such that what must stay together does.

Books (or users) are placed by a salted hash of their id, so that a book stays where it is when
the data grows. The vocabulary is counted on the training reviews alone.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from tqdm import tqdm

from spoilers.core.errors import UserError
from spoilers.core.files import replacing_folder
from spoilers.core.parallel import in_order
from spoilers.core.params import Split
from spoilers.core.params import Vocabulary as VocabularySettings
from spoilers.text.encoding import number
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
    # The high bytes of all ids together, which are mostly zeros: smaller, and a third faster to write.
    "column_encoding": {"ids.list.element": "BYTE_STREAM_SPLIT"},
    "write_statistics": False,
}


def split_file(source: Path, folder: Path, settings: Split, seed: int, workers: int) -> dict:
    """Write `train.parquet`, `validation.parquet`, `test.parquet` and `vocabulary.txt`; return the metrics.

    Raises:
        UserError: a split is empty or has a single class.
    """
    groups = RowGroups(source)
    places = place_reviews(groups, settings, seed)
    check_classes(places, groups.column("label").to_numpy(), settings)
    with replacing_folder(folder) as partial:
        vocabulary = make_vocabulary(groups, places, settings.vocabulary, workers)
        vocabulary.save(partial / "vocabulary.txt")
        tallies = write_splits(groups, places, vocabulary, partial, workers)
    return metrics(tallies, len(vocabulary))


def place_reviews(groups: RowGroups, settings: Split, seed: int) -> np.ndarray:
    """The index in `NAMES` of each review."""
    bounds = np.cumsum([settings.fractions.train, settings.fractions.validation])
    if settings.by == "time":
        return place_by_time(groups.column("date").to_numpy(), bounds)
    column = GROUP_COLUMN[settings.by]
    places = [place_by_hash(batch[column], bounds, seed) for batch in groups.batches([column])]
    return np.concatenate(places or [np.empty(0, np.int8)])


def place_by_hash(ids: pa.Array, bounds: np.ndarray, seed: int) -> np.ndarray:
    """Place groups by a hash of their id, salted with the seed."""
    ids = ids.dictionary_encode()
    shares = np.array([hash_share(key, seed) for key in ids.dictionary.to_pylist()])
    return np.searchsorted(bounds, shares, side="right").astype(np.int8)[ids.indices.to_numpy()]


@lru_cache(1 << 16)
def hash_share(key: str, seed: int) -> float:
    """A number from [0, 1) that depends on key and seed alone."""
    return int.from_bytes(blake2b(key.encode(), digest_size=8, salt=str(seed).encode()).digest()) / 2**64


def place_by_time(dates: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Place reviews by date: train on the earliest, test on the latest; no day is in two splits."""
    if len(dates) == 0:
        return np.empty(0, np.int8)
    days = dates.astype("datetime64[D]").astype(np.int64)
    cuts = np.quantile(days, bounds, method="higher")
    return np.searchsorted(cuts, days, side="right").astype(np.int8)


def check_classes(places: np.ndarray, labels: np.ndarray, settings: Split) -> None:
    for i, name in enumerate(NAMES):
        reviews, spoilers = np.sum(places == i), np.sum(labels[places == i])
        if 0 < spoilers < reviews:
            continue
        what = "holds nothing but spoilers" if spoilers else "holds no spoiler" if reviews else "is empty"
        raise UserError(
            f"split: {name} {what} ({reviews} reviews); use more data (clean.fraction,"
            f" download.sample.reviews), raise split.fractions.{name}, or choose another seed or another"
            f" split.by than {settings.by}"
        )


def make_vocabulary(
    groups: RowGroups, places: np.ndarray, settings: VocabularySettings, workers: int
) -> Vocabulary:
    """The frequent words of the training reviews."""

    def count(group_and_places: tuple[int, np.ndarray]) -> tuple[pa.Array, np.ndarray]:
        group, places = group_and_places
        lists = groups.read(group, ["tokens"])["tokens"]
        tokens = lists.flatten()
        training = np.repeat(places == 0, np.diff(lists.offsets.to_numpy()))
        times = np.bincount(tokens.indices.to_numpy()[training], minlength=len(tokens.dictionary))
        seen = np.flatnonzero(times)
        return tokens.dictionary.take(pa.array(seen)), times[seen]

    counts = WordCounts()
    for words, times in in_order(count, with_places(groups, places, "count words"), workers):
        counts.add(words, times)
    return Vocabulary.of_counts(counts.table(), settings.max_size, settings.min_count)


def with_places(groups: RowGroups, places: np.ndarray, what: str) -> Iterator[tuple[int, np.ndarray]]:
    """The numbers of the groups, each with the places of its reviews."""
    start = 0
    with tqdm(
        desc=what, total=len(places), unit=" reviews", unit_scale=True, disable=None, leave=False
    ) as progress:
        for group in range(len(groups)):
            rows = groups.rows(group)
            yield group, places[start : start + rows]
            start += rows
            progress.update(rows)


def write_splits(
    groups: RowGroups, places: np.ndarray, vocabulary: Vocabulary, folder: Path, workers: int
) -> dict[str, "Tally"]:
    def divide(group_and_places: tuple[int, np.ndarray]) -> list[pa.Table]:
        group, places = group_and_places
        table = with_ids(groups.read(group), vocabulary)
        return [table.filter(pa.array(places == i)) for i in range(len(NAMES))]

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
        for parts in in_order(divide, with_places(groups, places, "split"), workers):
            list(threads.map(write, writers, tallies.values(), parts))
    return tallies


def with_ids(batch: pa.RecordBatch, vocabulary: Vocabulary) -> pa.Table:
    columns = {name: batch[name] for name in SCHEMA.names if name != "ids"}
    columns["ids"] = number(batch["tokens"], vocabulary)
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
