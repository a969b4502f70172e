"""Lines of a file, compressed or not, and never more of one line in memory than is asked for."""

import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from isal import igzip, isal_zlib

from stages.errors import UserError

GZIP_MAGIC = b"\x1f\x8b"
BLOCK = 1 << 20  # bytes
Item = TypeVar("Item")


def read_lines(path: Path, max_bytes: int) -> Iterator[tuple[int, bytes]]:
    """Yield (number from 1, line without its end); of a line over `max_bytes`, its first `max_bytes` + 1.

    Raises:
        UserError: the file is missing, unreadable, or its compression is damaged.
    """
    number = 0
    try:
        tail = b""
        for block in ahead(read_blocks(path)):
            *lines, tail = (tail + block).split(b"\n")
            for line in lines:
                number += 1
                yield number, line.removesuffix(b"\r")[: max_bytes + 1]
            tail = tail[: max_bytes + 2]  # one more for a \r
        if tail:
            yield number + 1, tail.removesuffix(b"\r")[: max_bytes + 1]
    except (EOFError, zlib.error, isal_zlib.error, igzip.BadGzipFile) as error:
        raise UserError(
            f"{path}: the gzip data is damaged after line {number} ({error}); download the file again"
        ) from error
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from error


def read_blocks(path: Path) -> Iterator[bytes]:
    """Yield the plain bytes, a block at a time."""
    with open(path, "rb") as raw:
        compressed = raw.peek(2)[:2] == GZIP_MAGIC
        file = igzip.IGzipFile(fileobj=raw) if compressed else raw
        while block := file.read(BLOCK):
            yield block


def ahead(items: Iterator[Item]) -> Iterator[Item]:
    """Yield the items as they come, each next one made in a thread while the last one is used."""
    with ThreadPoolExecutor(1) as thread:
        upcoming = thread.submit(next, items, None)
        while (item := upcoming.result()) is not None:
            upcoming = thread.submit(next, items, None)
            yield item
