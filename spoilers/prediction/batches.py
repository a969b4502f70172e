"""Split reviews into batches, so that memory does not grow with the file."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

BATCH = 4096  # reviews in a batch at most
BATCH_SIZE = 2**24  # characters above which a batch ends early
OVERHEAD = 60  # characters counted for each string on top of its own


class Review(Protocol):
    """Either a `CutReview` or a `Row` of a file."""

    text: str
    sentences: Sequence[str]


Item = TypeVar("Item", bound=Review)


def batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Yield lists of up to `BATCH` items; a list ends early once it exceeds `BATCH_SIZE`."""
    batch, total = [], 0
    for item in items:
        batch.append(item)
        total += size(item)
        if len(batch) == BATCH or total > BATCH_SIZE:
            yield batch
            batch, total = [], 0
    if batch:
        yield batch


def size(item: Review) -> int:
    """Return the characters of an item's text, sentences and ids, with their overhead."""
    ids = filter(None, getattr(item, "ids", ()))
    return sum(len(part) + OVERHEAD for part in (item.text, *item.sentences, *ids))
