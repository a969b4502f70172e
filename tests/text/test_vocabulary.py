"""Which words are known, in which order, and under which number."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spoilers.core.errors import UserError
from spoilers.text import vocabulary as module
from spoilers.text.vocabulary import SPECIAL, UNKNOWN, Vocabulary, WordCounts


def counted(**counts: int) -> pa.Table:
    return pa.table({"word": list(counts), "count": pa.array(list(counts.values()), pa.int64())})


def test_order_and_limits():
    counts = counted(b=3, a=3, rare=1, often=9, c=2)
    assert Vocabulary.of_counts(counts, 100, 2).words == [*SPECIAL, "often", "a", "b", "c"]
    assert Vocabulary.of_counts(counts, 4, 1).words == [*SPECIAL, "often", "a"]
    assert Vocabulary.of_counts(counts, 100, 10).words == SPECIAL
    special = pa.table({"word": [*SPECIAL, "x"], "count": [9, 9, 9]})
    assert Vocabulary.of_counts(special, 100, 1).words == [*SPECIAL, "x"]


def test_lookup():
    vocabulary = Vocabulary([*SPECIAL, "a", "b"])
    for tokens in (["b", "x", "a"], iter(["b", "x", "a"]), pa.array(["b", "x", "a"])):
        ids = vocabulary.lookup(tokens)
        assert ids.dtype == np.int32 and ids.tolist() == [3, UNKNOWN, 2]
    assert vocabulary.lookup([]).tolist() == []


def test_saved_and_loaded(tmp_path):
    vocabulary = Vocabulary([*SPECIAL, "caf\u00e9", "'", "\x00", "\u200b"])
    vocabulary.save(tmp_path / "vocabulary.txt")
    assert Vocabulary.load(tmp_path / "vocabulary.txt").words == vocabulary.words
    assert (tmp_path / "vocabulary.txt").read_text().split("\n")[2] == "caf\u00e9"


def test_loading_something_else(tmp_path):
    with pytest.raises(UserError, match="No such file"):
        Vocabulary.load(tmp_path / "missing.txt")
    (tmp_path / "words.txt").write_text("a\nb\n")
    with pytest.raises(UserError, match="is not a vocabulary"):
        Vocabulary.load(tmp_path / "words.txt")


@given(st.lists(st.dictionaries(st.text(max_size=2), st.integers(1, 5), max_size=6)), st.integers(0, 10))
def test_counts(batches, few):
    counts, expected = WordCounts(), Counter()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "FEW", few)
        for batch in batches:
            counts.add(pa.array(list(batch), pa.string()), np.array(list(batch.values()), np.int64))
            expected.update(batch)
    table = counts.table()
    assert dict(zip(table["word"].to_pylist(), table["count"].to_pylist(), strict=True)) == expected
    assert len(table) == len(expected)
