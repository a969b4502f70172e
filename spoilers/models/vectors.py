"""Word vectors from a text file of GloVe or fastText: a word and its numbers on each line."""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from isal import igzip, isal_zlib

from spoilers.core.errors import UserError
from spoilers.models.network import SpoilerRNN
from spoilers.text.vocabulary import SPECIAL, Vocabulary

LONGEST = 2**20  # bytes of a line
SPREAD = (1e-6, 1e6)  # limits of the vectors' standard deviation, which is usually about 0.1 to 1
BOM = b"\xef\xbb\xbf"  # Windows programs begin a UTF-8 file with it


@dataclass(frozen=True)
class WordVectors:
    """Vectors that a file has for words of a vocabulary."""

    ids: np.ndarray  # int64 (words): in the vocabulary
    values: np.ndarray  # float32 (words, size)
    coverage: float  # share of the vocabulary's words, without the special ones

    def put_into(self, model: SpoilerRNN, freeze: bool) -> None:
        """Make the embedding give these vectors; other words keep random ones, at the same scale."""
        weight = model.embedding.weight
        values = torch.from_numpy(self.values).to(weight) / model.embedding.scale
        with torch.no_grad():
            weight *= values.std() / weight.std()
            weight[torch.from_numpy(self.ids)] = values
        weight.requires_grad_(not freeze)


def read(path: str | Path, vocabulary: Vocabulary, size: int) -> WordVectors:
    """Stream a file, plain or `.gz`; keep the vectors of the vocabulary's words, of `size` numbers each.

    fastText's first line, the number of words and of dimensions, is skipped. GloVe's 840B file has
    words with spaces, so a line is split from the right; no such word is in a vocabulary. If a
    word occurs twice, its first vector counts.

    Raises:
        UserError: the file is missing or damaged, a line is not a vector, the vectors have another
            size, none is for a word in the vocabulary, or their scale suits no network.
    """
    ids = {word.encode(): i for i, word in enumerate(vocabulary.words) if word not in SPECIAL}
    words, found = len(ids), []
    values = []
    for number, line in lines(Path(path)):
        fields = line.count(b" ")
        if number == 1 and is_header(path, line, size):
            continue
        if fields < size:
            raise UserError(f"{path}: line {number}: has {fields} numbers after the word, not {size}")
        if line.partition(b" ")[0] in ids:
            word, *numbers = line.rsplit(b" ", size)
            if word in ids:
                found.append(ids.pop(word))
                values.append(parse(path, number, numbers))
    if not found:
        raise UserError(
            f"{path}: has a vector of none of the vocabulary's {words:,} words; is it its language?"
        )
    return WordVectors(np.array(found), check_spread(path, np.stack(values)), len(found) / words)


def check_start(path: str | Path, size: int) -> None:
    """Check that a file begins with vectors of `size` numbers.

    Raises:
        UserError: it is missing or damaged, or does not.
    """
    is_header(path, next(lines(Path(path)), (1, b""))[1], size)


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the file's lines with their numbers, without trailing white space."""
    number = 0
    try:
        with (igzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
            while line := file.readline(LONGEST):
                number += 1
                if len(line) == LONGEST:
                    raise UserError(f"{path}: line {number}: is longer than {LONGEST:,} bytes")
                yield number, (line.removeprefix(BOM) if number == 1 else line).rstrip()
    except (gzip.BadGzipFile, EOFError, isal_zlib.error) as error:
        raise UserError(f"{path}: is not a whole gzip file ({error})") from error
    except OSError as error:
        raise UserError(f"params.yaml: model.vectors: {path}: {error.strerror or error}") from error


def is_header(path: str | Path, line: bytes, size: int) -> bool:
    """Return whether the first line is fastText's header; check that the vectors have `size` numbers.

    Raises:
        UserError: they do not.
    """
    fields = line.count(b" ")
    header = fields == 1 and line.replace(b" ", b"").isdigit() and len(line) < 40
    found = int(line.split()[1]) if header else fields
    if found < 1:
        raise UserError(f"{path}: line 1: is not a word and its vector")
    if found != size:
        raise UserError(
            f"params.yaml: model.embedding_size: was {size}, but the vectors of {path} have {found} numbers"
        )
    return header


def parse(path: str | Path, number: int, fields: list[bytes]) -> np.ndarray:
    """Return a line's numbers, float32 (size).

    Raises:
        UserError: one is not a number, or not finite in float32.
    """
    try:
        with np.errstate(over="ignore"):
            values = np.array([float(field) for field in fields], np.float32)
    except ValueError as error:
        raise UserError(f"{path}: line {number}: {error}") from error
    if not np.isfinite(values).all():
        raise UserError(f"{path}: line {number}: holds a number that is not finite (in 32 bits)")
    return values


def check_spread(path: str | Path, values: np.ndarray) -> np.ndarray:
    """Return the vectors, after checking their standard deviation, which random rows will share.

    Raises:
        UserError: it does not suit a network's weights.
    """
    spread = values.std(dtype=np.float64)
    if not SPREAD[0] <= spread <= SPREAD[1]:
        raise UserError(
            f"{path}: the standard deviation of its numbers is {spread:g}; use vectors between"
            f" {SPREAD[0]:g} and {SPREAD[1]:g}"
        )
    return values
