"""Lines of a file, compressed or not, and never more of one line in memory than is asked for."""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from isal import igzip, isal_zlib

from spoilers.core.errors import UserError
from spoilers.core.parallel import ahead

GZIP_MAGIC = b"\x1f\x8b"
BLOCK = 1 << 22  # bytes
Line = tuple[int, bytes]  # number from 1, and content


def read_lines(path: Path, max_bytes: int) -> Iterator[Line]:
    """Yield each line without its end; of one over `max_bytes`, its first `max_bytes` + 1.

    Raises:
        UserError: the file is missing, unreadable, or its compression is damaged.
    """
    for chunk in read_chunks(path, max_bytes):
        yield from split_lines(chunk, max_bytes)


class Chunk(NamedTuple):
    """Lines as they stand in a file, without the end of the last."""

    number: int  # of the first line, from 1
    lines: bytes


def split_lines(chunk: Chunk, max_bytes: int) -> Iterator[Line]:
    for number, line in enumerate(chunk.lines.split(b"\n"), chunk.number):
        yield number, line.removesuffix(b"\r")[: max_bytes + 1]


def read_chunks(path: Path, max_bytes: int) -> Iterator[Chunk]:
    """Yield whole lines, about `BLOCK` bytes at a time; one over `max_bytes` may lack what is beyond.

    Raises:
        UserError: as `read_lines`.
    """
    number, tail = 1, b""
    try:
        for block in ahead(read_blocks(path)):
            lines, end, rest = block.rpartition(b"\n")
            if end:
                yield Chunk(number, tail + lines)
                number += block.count(b"\n")
                tail = rest
            else:
                tail += block
            tail = tail[: max_bytes + 2]  # one more for a \r
        if tail:
            yield Chunk(number, tail)
    except (EOFError, zlib.error, isal_zlib.error, igzip.BadGzipFile) as error:
        raise UserError(
            f"{path}: the gzip data is damaged after line {number - 1} ({error}); download the file again"
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
