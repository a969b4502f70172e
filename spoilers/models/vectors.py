"""Word vectors from a text file of GloVe or fastText: a word and its numbers on each line."""

import gzip
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from isal import igzip, isal_zlib

from spoilers.core.errors import UserError
from spoilers.models.network import SpoilerRNN
from spoilers.text.vocabulary import SPECIAL, Vocabulary


@dataclass(frozen=True)
class WordVectors:
    """Vectors of those words of a vocabulary that a file has."""

    ids: np.ndarray  # int64 (words): in the vocabulary
    values: np.ndarray  # float32 (words, size)
    coverage: float  # share of the vocabulary's words, special ones apart

    def put_into(self, model: SpoilerRNN, freeze: bool) -> None:
        """Set the embedding's rows; words without a vector keep random ones, on the vectors' scale."""
        weight = model.embedding.weight
        with torch.no_grad():
            weight *= float(self.values.std()) / weight.std()
            weight[torch.from_numpy(self.ids)] = torch.from_numpy(self.values).to(weight)
        weight.requires_grad_(not freeze)


def read(path: str | Path, vocabulary: Vocabulary, size: int) -> WordVectors:
    """Stream a file, plain or `.gz`; keep the vectors of the vocabulary's words, of `size` numbers each.

    fastText's first line, the number of words and of dimensions, is skipped. GloVe's 840B file has
    words with spaces, so a line is split from the right; no such word is in a vocabulary. Of a word
    that stands there twice, the first vector counts.

    Raises:
        UserError: the file is missing or damaged, a line is no vector, the vectors have another
            size, or none is of a word in the vocabulary.
    """
    ids = {word.encode(): i for i, word in enumerate(vocabulary.words) if word not in SPECIAL}
    words, found = len(ids), []
    values = []
    for number, line in lines(Path(path)):
        fields = line.count(b" ")
        if number == 1:
            header = fields == 1 and line.replace(b" ", b"").isdigit()
            check_size(path, int(line.split()[1]) if header else fields, size)
            if header:
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
    return WordVectors(np.array(found), np.stack(values), len(found) / words)


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The file's lines with their numbers, without white space at the end."""
    try:
        with (igzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
            for number, line in enumerate(file, 1):
                yield number, line.rstrip()
    except (gzip.BadGzipFile, EOFError, isal_zlib.error) as error:
        raise UserError(f"{path}: is not a whole gzip file ({error})") from error
    except OSError as error:
        raise UserError(f"params.yaml: model.vectors: {path}: {error.strerror or error}") from error


def check_size(path: str | Path, found: int, size: int) -> None:
    if found < 1:
        raise UserError(f"{path}: line 1: is not a word and its vector")
    if found != size:
        raise UserError(
            f"params.yaml: model.embedding_size: was {size}, but the vectors of {path} have {found} numbers"
        )


def parse(path: str | Path, number: int, fields: list[bytes]) -> np.ndarray:
    try:
        values = [float(field) for field in fields]
    except ValueError as error:
        raise UserError(f"{path}: line {number}: {error}") from error
    if not all(map(math.isfinite, values)):
        raise UserError(f"{path}: line {number}: holds a number that is not finite")
    return np.array(values, np.float32)
