"""Lists of a few items at a time, so that memory does not grow with the file."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")
BATCH = 4096  # reviews that are worked on together
BATCH_SIZE = 2**24  # likewise: their characters


def batches(items: Iterable[Item], size: Callable[[Item], int]) -> Iterator[list[Item]]:
    """Lists of up to `BATCH` items, fewer where their sizes sum to more than `BATCH_SIZE`."""
    batch, total = [], 0
    for item in items:
        batch.append(item)
        total += size(item)
        if len(batch) == BATCH or total > BATCH_SIZE:
            yield batch
            batch, total = [], 0
    if batch:
        yield batch
