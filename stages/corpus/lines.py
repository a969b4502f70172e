"""Lines of a file, compressed or not, one at a time and never more than a given length in memory."""

import io
import zlib
from collections.abc import Iterator
from pathlib import Path

from isal import igzip

from stages.errors import UserError

GZIP_MAGIC = b"\x1f\x8b"


def read_lines(path: Path, max_bytes: int) -> Iterator[tuple[int, bytes | None]]:
    """Yield (number from 1, line without its end), or None in place of a line over `max_bytes`.

    Raises:
        UserError: the file is missing, unreadable, or its compression is damaged.
    """
    number = 0
    try:
        with open(path, "rb") as raw:
            compressed = raw.peek(2)[:2] == GZIP_MAGIC
            file = io.BufferedReader(igzip.IGzipFile(fileobj=raw), 1 << 20) if compressed else raw
            while line := file.readline(max_bytes + 1):
                number += 1
                if len(line) > max_bytes and not line.endswith(b"\n"):
                    while line and not line.endswith(b"\n"):
                        line = file.readline(max_bytes)
                    yield number, None
                else:
                    yield number, line.rstrip(b"\r\n")
    except (EOFError, zlib.error, igzip.BadGzipFile) as error:
        raise UserError(
            f"{path}: the gzip data is damaged after line {number} ({error}); download the file again"
        ) from error
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from error
