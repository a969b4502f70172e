"""Splits keep groups together, hide held-out words, and lose nothing."""

import random
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spoilers.core.errors import UserError
from spoilers.core.params import Split
from spoilers.text import splits as splitting
from spoilers.text.splits import GROUP_COLUMN, NAMES, split_by_time, split_file
from spoilers.text.token_table import TOKENS
from spoilers.text.vocabulary import UNKNOWN, Vocabulary

DAYS = 1000


def token_table(reviews: int, seed: int = 0, spoilers: float = 0.4) -> pa.Table:
    """Make reviews of 50 books by 60 users, with a word per book and per review."""
    draw = random.Random(seed)
    rows = []
    for i in range(reviews):
        book, user = draw.randrange(50), draw.randrange(60)
        tokens = [f"book{book}", "the", draw.choice("abc"), f"only{i}", "the"]
        rows.append(
            {
                "review_id": f"r{i}",
                "book_id": f"b{book}",
                "user_id": f"u{user}",
                "date": draw.randrange(DAYS),
                "rating": draw.randrange(6),
                "label": draw.random() < spoilers,
                "tokens": tokens,
                "sentence_lengths": [2, 3],
                "sentence_labels": draw.choice([None, [True, False]]),
            }
        )
    return pa.Table.from_pylist(rows, schema()) if rows else schema().empty_table()


def schema() -> pa.Schema:
    types = {name: splitting.SCHEMA.field(name).type for name in splitting.SCHEMA.names if name != "ids"}
    return pa.schema({**types, "tokens": TOKENS})


def settings_for(
    by: str, train: float = 0.6, validation: float = 0.2, max_size: int = 1000, min_count: int = 1
):
    test = 1 - train - validation
    return Split.model_validate(
        {
            "by": by,
            "fractions": {"train": train, "validation": validation, "test": test},
            "vocabulary": {"max_size": max_size, "min_count": min_count},
        }
    )


class Divided:
    """The results of `split_file`."""

    def __init__(self, folder, table: pa.Table, by="book", seed: int = 13, group: int = 64, **changes):
        pq.write_table(table, folder / "tokens.parquet", row_group_size=group)
        self.metrics = split_file(
            folder / "tokens.parquet", folder / "splits", settings_for(by, **changes), seed, 2
        )
        self.vocabulary = Vocabulary.load(folder / "splits/vocabulary.txt")
        self.parts = {name: pq.read_table(folder / f"splits/{name}.parquet").to_pylist() for name in NAMES}
        self.bytes = {path.name: path.read_bytes() for path in (folder / "splits").iterdir()}
        self.place = {row["review_id"]: name for name, rows in self.parts.items() for row in rows}


@pytest.mark.parametrize("by", ["book", "user", "random", "time"])
def test_nothing_is_lost_and_order_is_kept(tmp_path, by):
    table = token_table(600)
    divided = Divided(tmp_path, table, by)
    source = {row["review_id"]: row for row in table.to_pylist()}
    assert len(divided.place) == sum(map(len, divided.parts.values())) == 600
    for name, rows in divided.parts.items():
        assert [row["review_id"] for row in rows] == [key for key in source if divided.place[key] == name]
        for row in rows:
            original = source[row["review_id"]]
            words = [divided.vocabulary.words[i] for i in row.pop("ids")]
            assert words == [
                w if w in divided.vocabulary.words else "<unknown>" for w in original.pop("tokens")
            ]
            assert row == original
        assert abs(len(rows) / 600 - {"train": 0.6, "validation": 0.2, "test": 0.2}[name]) < 0.12


@settings(max_examples=20, deadline=None)
@given(by=st.sampled_from(["book", "user", "random", "time"]), seed=st.integers(0, 2**32 - 1))
def test_groups_never_cross(tmp_path_factory, by, seed):
    table = token_table(800, seed)
    divided = Divided(tmp_path_factory.mktemp("split"), table, by, seed, train=0.5, validation=0.25)
    column = GROUP_COLUMN.get(by, "date")
    groups = [{row[column] for row in rows} for rows in divided.parts.values()]
    assert sum(map(len, groups)) == len(set.union(*groups))
    if by == "time":
        assert max(groups[0]) < min(groups[1]) and max(groups[1]) < min(groups[2])


def test_time_is_cut_at_quantiles_between_days():
    days = np.repeat(np.arange(10), 3).astype("datetime64[D]")
    assert split_by_time(days, np.array([0.6, 0.8])).tolist() == [0] * 18 + [1] * 6 + [2] * 6


@pytest.mark.parametrize("by", ["book", "user", "random"])
def test_places_stay_when_the_data_grows(tmp_path, by):
    table = token_table(900)
    small, large = Divided(tmp_path, table.slice(0, 400), by), Divided(tmp_path, table, by)
    assert small.place == {key: large.place[key] for key in small.place}


def test_seed_moves_groups(tmp_path):
    table = token_table(400)
    assert Divided(tmp_path, table, seed=1).place != Divided(tmp_path, table, seed=2).place


@pytest.mark.parametrize("by", ["book", "user", "random", "time"])
def test_vocabulary_sees_training_text_only(tmp_path, by):
    table = token_table(600)
    divided = Divided(tmp_path, table, by)
    tokens = dict(zip(table["review_id"].to_pylist(), table["tokens"].to_pylist(), strict=True))
    seen = Counter(word for key, words in tokens.items() if divided.place[key] == "train" for word in words)
    assert set(divided.vocabulary.words[2:]) == set(seen)
    for name in ("validation", "test"):
        for row in divided.parts[name]:
            assert row["ids"][3] == UNKNOWN  # the word of this review alone
            if by == "book":
                assert row["ids"][0] == UNKNOWN
    fewer = Divided(tmp_path, table, by, min_count=2)
    assert set(fewer.vocabulary.words[2:]) == {word for word, n in seen.items() if n >= 2}
    assert len(Divided(tmp_path, table, by, max_size=10).vocabulary) == 10


def test_metrics(tmp_path):
    table = token_table(600)
    divided = Divided(tmp_path, table, "user")
    train = {key: {row[key] for row in divided.parts["train"]} for key in ("book_id", "user_id")}
    assert divided.metrics["vocabulary"] == len(divided.vocabulary)
    for name, rows in divided.parts.items():
        found = divided.metrics[name]
        ids = [i for row in rows for i in row["ids"]]
        books, users = {row["book_id"] for row in rows}, {row["user_id"] for row in rows}
        assert found["reviews"] == len(rows) and found["tokens"] == len(ids)
        assert found["prevalence"] == round(sum(row["label"] for row in rows) / len(rows), 4)
        assert found["unknown_tokens"] == round(ids.count(UNKNOWN) / len(ids), 4)
        assert (found["books"], found["users"]) == (len(books), len(users))
        if name != "train":
            assert found["books_seen_in_training"] == len(books & train["book_id"]) > 0
            assert found["users_seen_in_training"] == 0


@pytest.mark.parametrize(
    ("table", "changes", "message"),
    [
        (token_table(0), {}, r"split: train is empty"),
        (
            token_table(300).filter(pa.array([True] + [False] * 299)),
            {},
            r"(train|validation|test) (is empty|holds)",
        ),
        (
            token_table(300, spoilers=0),
            {},
            r"train holds no spoiler \(\d+ reviews\).*another split\.by than book",
        ),
        (token_table(300, spoilers=1.1), {"by": "user"}, r"train holds nothing but spoilers.*than user"),
        (token_table(300), {"validation": 1e-6}, r"validation is empty .*split\.fractions\.validation"),
        (token_table(300), {"by": "time", "train": 1 - 2e-6, "validation": 1e-6}, r"is empty"),
    ],
)
def test_empty_and_single_class_splits(tmp_path, table, changes, message):
    with pytest.raises(UserError, match=message):
        Divided(tmp_path, table, **changes)
    assert not (tmp_path / "splits").exists() and not list(tmp_path.glob(".*"))


def test_row_groups_and_runs_make_no_difference(tmp_path):
    table = token_table(500)
    first, second = Divided(tmp_path, table), Divided(tmp_path, table)
    assert first.bytes == second.bytes
    for size in (7, 100):
        other = Divided(tmp_path, table, group=size)
        assert (other.parts, other.metrics) == (first.parts, first.metrics)
        assert other.bytes["vocabulary.txt"] == first.bytes["vocabulary.txt"]
