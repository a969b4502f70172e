"""Map words to ids and count words."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spoilers.core.errors import UserError
from spoilers.core.files import write_text

PADDING, UNKNOWN = 0, 1
SPECIAL = ["<pad>", "<unknown>"]
FEW = 1_000_000  # rows that may wait before they are added up


class Vocabulary:
    """Words in the order of their ids; id 0 is padding, id 1 stands for every unknown word."""

    def __init__(self, words: list[str]):
        self.words = words
        self.array = pa.array(words, pa.string())

    def __len__(self) -> int:
        return len(self.words)

    def lookup(self, tokens: Iterable[str] | pa.Array) -> np.ndarray:
        """Return the ids of tokens, int32 (tokens); unknown words get `UNKNOWN`."""
        if not isinstance(tokens, pa.Array):
            tokens = pa.array(tokens, pa.string())
        return pc.fill_null(pc.index_in(tokens, self.array), UNKNOWN).to_numpy(zero_copy_only=False)

    @classmethod
    def of_counts(cls, counts: pa.Table, max_size: int, min_count: int) -> "Vocabulary":
        """Return the most frequent words of a table of `word` and `count`, ties in alphabetical order.

        `max_size` includes the special words. Words that occur fewer than `min_count` times are left out.
        """
        special = pc.is_in(counts["word"], pa.array(SPECIAL))
        frequent = counts.filter(pc.and_not(pc.greater_equal(counts["count"], min_count), special))
        frequent = frequent.sort_by([("count", "descending"), ("word", "ascending")])
        return cls(SPECIAL + frequent["word"][: max_size - len(SPECIAL)].to_pylist())

    @classmethod
    def load(cls, path: Path | str) -> "Vocabulary":
        """Read a vocabulary, one word a line.

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
        """Write one word a line, in the order of the ids."""
        write_text(path, "".join(word + "\n" for word in self.words))


class WordCounts:
    """A running count of words in an Arrow table: 20 bytes a word; a Python dictionary takes 150.

    Added rows wait until they outnumber the rows of the sum, so that each row is summed only a few times.
    """

    def __init__(self) -> None:
        self.summed = pa.table({"word": pa.array([], pa.string()), "count": pa.array([], pa.int64())})
        self.waiting: list[pa.Table] = []

    def add(self, words: pa.Array, counts: np.ndarray) -> None:
        """Add to the counts of some words; a word may occur several times."""
        self.waiting.append(pa.table({"word": words, "count": pa.array(counts, pa.int64())}))
        if sum(map(len, self.waiting)) > max(len(self.summed), FEW):
            self.table()

    def table(self) -> pa.Table:
        """Return a table of `word` and `count`, one row a word."""
        together = pa.concat_tables([self.summed, *self.waiting])
        summed = together.group_by("word", use_threads=False).aggregate([("count", "sum")])
        self.summed, self.waiting = summed.rename_columns({"count_sum": "count"}), []
        return self.summed
