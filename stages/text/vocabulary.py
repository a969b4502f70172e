"""The words a model knows, by number."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from stages.errors import UserError
from stages.files import write_text

PADDING, UNKNOWN = 0, 1
SPECIAL = ["<pad>", "<unknown>"]


class Vocabulary:
    """Words in the order of their ids; id 0 is padding, id 1 any word that is not among them."""

    def __init__(self, words: list[str]):
        self.words = words
        self.ids = {word: i for i, word in enumerate(words)}

    def __len__(self) -> int:
        return len(self.words)

    def lookup(self, tokens: Iterable[str]) -> np.ndarray:
        """Ids of tokens, int32; unknown ones get `UNKNOWN`."""
        return np.fromiter((self.ids.get(token, UNKNOWN) for token in tokens), np.int32)

    @classmethod
    def of_counts(cls, counts: Counter[str], max_size: int, min_count: int) -> "Vocabulary":
        """The most frequent words, ties in alphabetical order; `max_size` includes the special ones."""
        frequent = [(word, n) for word, n in counts.items() if n >= min_count and word not in SPECIAL]
        frequent.sort(key=lambda item: (-item[1], item[0]))
        return cls(SPECIAL + [word for word, _ in frequent[: max_size - len(SPECIAL)]])

    @classmethod
    def load(cls, path: Path | str) -> "Vocabulary":
        """Read one word a line.

        Raises:
            UserError: the file is missing or does not begin with the special words.
        """
        try:
            words = Path(path).read_text(encoding="utf-8").split("\n")[:-1]
        except OSError as error:
            raise UserError(f"{path}: {error.strerror}") from error
        if words[:2] != SPECIAL:
            raise UserError(f"{path}: is not a vocabulary; its first lines must be {' and '.join(SPECIAL)}")
        return cls(words)

    def save(self, path: Path | str) -> None:
        write_text(path, "".join(word + "\n" for word in self.words))
