"""Lists of a few reviews at a time, so that memory does not grow with the file."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

BATCH = 4096  # reviews that are worked on together
BATCH_SIZE = 2**24  # likewise: their characters
OVERHEAD = 60  # characters that a string costs beside its own


class Review(Protocol):
    """What both a text and a row of a file become."""

    text: str
    sentences: Sequence[str]


Item = TypeVar("Item", bound=Review)


def batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Yield lists of up to `BATCH` items, fewer where their sizes sum to more than `BATCH_SIZE`."""
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
    """Return how many characters an item holds, in its text, its sentences and its ids."""
    ids = filter(None, getattr(item, "ids", ()))
    return sum(len(part) + OVERHEAD for part in (item.text, *item.sentences, *ids))
