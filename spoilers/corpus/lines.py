"""Read the lines of a file, plain or gzip, without ever holding more of a line than asked for."""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from isal import igzip, isal_zlib

from spoilers.core.errors import UserError
from spoilers.core.parallel import prefetch

GZIP_MAGIC = b"\x1f\x8b"
BOM = b"\xef\xbb\xbf"  # Windows programs begin a UTF-8 file with it
BLOCK = 1 << 22  # bytes
Line = tuple[int, bytes]  # its number, from 1, and its content


def read_lines(path: Path, max_bytes: int) -> Iterator[Line]:
    """Yield each line without its line end; cut a line over `max_bytes` to `max_bytes` + 1 bytes.

    A byte order mark before the first line is left out.

    Raises:
        UserError: the file is missing or unreadable, or its compression is damaged.
    """
    for chunk in read_chunks(path, max_bytes):
        yield from split_lines(chunk, max_bytes)


class Chunk(NamedTuple):
    """Consecutive lines of a file, joined by line feeds."""

    number: int  # of the first line, from 1
    lines: bytes


def split_lines(chunk: Chunk, max_bytes: int) -> Iterator[Line]:
    """Yield the lines of a chunk as `read_lines` does."""
    for number, line in enumerate(chunk.lines.split(b"\n"), chunk.number):
        yield number, line.removesuffix(b"\r")[: max_bytes + 1]


def read_chunks(path: Path, max_bytes: int) -> Iterator[Chunk]:
    """Yield chunks of whole lines, about `BLOCK` bytes each; a line over `max_bytes` may be cut there.

    Raises:
        UserError: as `read_lines` does.
    """
    number, tail = 1, b""
    try:
        for block in prefetch(read_blocks(path)):
            lines, end, rest = block.rpartition(b"\n")
            if end:
                yield chunk(number, tail + lines)
                number += block.count(b"\n")
                tail = rest
            else:
                tail += block
            tail = tail[: max_bytes + 2 + len(BOM)]  # one more for a \r
        if tail:
            yield chunk(number, tail)
    except (EOFError, zlib.error, isal_zlib.error, igzip.BadGzipFile) as error:
        raise UserError(
            f"{path}: the gzip data is damaged after line {number - 1} ({error}); download the file again"
        ) from error
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from error


def chunk(number: int, lines: bytes) -> Chunk:
    """Return a chunk, without the byte order mark that may begin a file."""
    return Chunk(number, lines.removeprefix(BOM) if number == 1 else lines)


def refuse_array(path: Path, start: bytes) -> None:
    """Refuse a JSON file that begins with `[`: its lines are not records.

    Raises:
        UserError: it begins with `[`.
    """
    if start.lstrip().startswith(b"["):
        raise UserError(
            f"{path}: is one JSON array; write one object a line"
            " (in pandas, to_json(path, orient='records', lines=True))"
        )


def read_blocks(path: Path) -> Iterator[bytes]:
    """Yield the decompressed bytes of a file, `BLOCK` bytes at a time."""
    with open(path, "rb") as raw:
        compressed = raw.peek(2)[:2] == GZIP_MAGIC
        file = igzip.IGzipFile(fileobj=raw) if compressed else raw
        while block := file.read(BLOCK):
            yield block
