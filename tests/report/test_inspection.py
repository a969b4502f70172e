"""Compare the counts with plain Python; check which words are shown and what may be missing."""

import json
import math
import random
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from spoilers.core.errors import UserError
from spoilers.report.figures import data as figures
from spoilers.report.figures.drawing import draw
from spoilers.report.inspection import counting, words
from spoilers.report.inspection.counting import SPLITS, count_splits
from spoilers.report.inspection.shares import Clusters, share_tables, wilson
from spoilers.report.inspection.tables import describe, length_curve
from spoilers.text.splits import SCHEMA
from spoilers.text.vocabulary import SPECIAL
from stages import inspect

VOCABULARY = [*SPECIAL, *(f"w{chr(97 + i)}" for i in range(20))]


def random_reviews(number: int, seed: int) -> list[dict]:
    draw = random.Random(seed)
    reviews = []
    for i in range(number):
        lengths = [draw.randrange(1, 9) for _ in range(draw.choice([1, 3, 10, 14, 30]))]
        flags = [draw.random() < 0.1 for _ in lengths]
        reviews.append(
            {
                "review_id": f"r{i}",
                "book_id": f"b{draw.randrange(9)}",
                "user_id": draw.choice([None, *(f"u{k}" for k in range(30))]),
                "date": draw.choice([None, date(2007, 1, 1) + timedelta(draw.randrange(2000))]),
                "rating": draw.choice([None, 0, 1, 2, 3, 4, 5]),
                "label": any(flags),
                "ids": [draw.randrange(1, len(VOCABULARY)) for _ in range(sum(lengths))],
                "sentence_lengths": lengths,
                "sentence_labels": draw.choice([flags, flags, None]),
            }
        )
    return reviews


def write(folder: Path, reviews: dict[str, list[dict]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in SPLITS:
        table = pa.Table.from_pylist(reviews[name], SCHEMA)
        pq.write_table(table, folder / f"{name}.parquet", row_group_size=17)
    (folder / "vocabulary.txt").write_text("".join(word + "\n" for word in VOCABULARY))
    return folder


def three(seed: int = 0) -> dict[str, list[dict]]:
    return {name: random_reviews(size, seed + size) for name, size in zip(SPLITS, (200, 40, 60), strict=True)}


EVERY = [review for part in three().values() for review in part]


@pytest.fixture
def counted(tmp_path, monkeypatch) -> tuple:
    """Count `three()` in small batches: the counts, and how often each word is held."""
    monkeypatch.setattr(counting, "BATCH", 23)
    return count_splits(write(tmp_path, three()), len(VOCABULARY))


def test_lengths_are_those_of_plain_python(counted):
    tables = describe(counted[0])
    lengths = {(row["what"], row["class"]): row for row in tables["lengths"]}
    for kind, label in (("no spoiler", False), ("spoiler", True)):
        tokens = sorted(len(review["ids"]) for review in EVERY if review["label"] == label)
        row = lengths["tokens in a review", kind]
        assert row["mean"] == round(sum(tokens) / len(tokens), 1)
        assert row["median"] == tokens[math.ceil(len(tokens) / 2) - 1]
        assert row["longest"] == tokens[-1]
        labelled = [
            pair
            for review in EVERY
            if review["sentence_labels"]
            for pair in zip(review["sentence_lengths"], review["sentence_labels"], strict=True)
        ]
        sentences = [n for n, flag in labelled if flag == label]
        assert lengths["tokens in a sentence", kind]["mean"] == round(sum(sentences) / len(sentences), 1)

    curve = length_curve(counted[0].review_tokens)
    assert sum(row["spoiler"] for row in curve) == pytest.approx(1)


@pytest.mark.parametrize(
    ("key", "value"), [("rating", lambda r: r["rating"]), ("year", lambda r: r["date"] and r["date"].year)]
)
def test_shares_are_those_of_plain_python(counted, key, value):
    found = {row[key]: (row["reviews"], row["share"]) for row in describe(counted[0])[f"{key}s"]}
    known = [(value(review), review["label"]) for review in EVERY if value(review) is not None]
    reviews, spoilers = Counter(v for v, _ in known), Counter(v for v, label in known if label)
    assert found == {v: (n, round(spoilers[v] / n, 4)) for v, n in reviews.items()}


def test_positions_are_those_of_plain_python(counted):
    tables = describe(counted[0])
    flagged, sentences, places = Counter(), Counter(), []
    for review in EVERY:
        flags = review["sentence_labels"]
        if review["label"] and flags and len(flags) >= 10:
            middles = [(i + 0.5) / len(flags) for i in range(len(flags))]
            sentences.update(int(10 * middle) + 1 for middle in middles)
            marked = [middle for middle, flag in zip(middles, flags, strict=True) if flag]
            flagged.update(int(10 * middle) + 1 for middle in marked)
            places.append(np.mean(marked))
    assert {row["part"]: row["sentences"] for row in tables["positions"]} == sentences
    assert {row["part"]: row["flagged"] for row in tables["positions"] if row["flagged"]} == flagged
    assert tables["place"] == {
        "reviews": len(places),
        "mean": round(np.mean(places), 4),
        "error": round(np.std(places, ddof=1) / len(places) ** 0.5, 4),
    }


def test_groups_and_words_are_those_of_plain_python(counted):
    counts, held = counted
    groups = describe(counts)["groups"]
    by_book = Counter(review["book_id"] for review in EVERY)
    assert (groups["book"]["groups"], groups["book"]["most"]) == (len(by_book), max(by_book.values()))
    assert groups["user"]["groups"] == len({review["user_id"] for review in EVERY} - {None})
    for i in range(len(VOCABULARY)):
        holding = [review["label"] for review in three()["train"] if i in review["ids"]]
        assert held[i].tolist() == [holding.count(False), holding.count(True)]


def test_words_of_validation_and_test_are_not_looked_at(tmp_path):
    parts = three()
    _, before = count_splits(write(tmp_path / "a", parts), len(VOCABULARY))
    others = {**three(seed=1), "train": parts["train"]}
    _, after = count_splits(write(tmp_path / "b", others), len(VOCABULARY))
    assert (before == after).all()


def test_log_odds_by_hand():
    counts, prior = np.array([[10, 30], [90, 70]]), np.array([1.0, 3.0])
    delta, z = words.log_odds(counts, prior)
    expected = math.log(31 / 73) - math.log(11 / 93)
    assert delta == pytest.approx([expected, -expected])
    assert z[0] == pytest.approx(expected / math.sqrt(1 / 31 + 1 / 11))


def test_log_odds_change_sign_with_the_classes_and_grow_with_the_counts():
    draw = np.random.default_rng(0)
    counts, prior = draw.integers(0, 50, (30, 2)), draw.uniform(0.1, 2, 30)
    delta, z = words.log_odds(counts, prior)
    other_delta, other_z = words.log_odds(counts[:, ::-1], prior)
    assert delta == pytest.approx(-other_delta)
    assert z == pytest.approx(-other_z)
    much = words.log_odds(100 * counts, prior)[1]
    clear = np.abs(counts[:, 0] / counts[:, 0].sum() - counts[:, 1] / counts[:, 1].sum()) > 0.005
    assert (np.abs(much[clear]) > np.abs(z[clear])).all()


def test_words_that_could_point_at_a_review_are_not_shown():
    names = [*SPECIAL, "rare", "plot", "!", "42", "don't", "<url>", "other"]
    held = np.array([[0, 900], [500, 0], [0, 19], [10, 60], [0, 99], [0, 99], [5, 40], [30, 90], [300, 30]])
    rows, tested = words.telling_words(held, names)
    shown = {row["word"]: row["class"] for row in rows}
    assert shown == {"plot": "spoiler", "don't": "spoiler", "<url>": "spoiler", "other": "no spoiler"}
    assert tested["tested"] == 4
    assert 0 < tested["beyond"] <= 4


def test_equal_classes_have_no_telling_word():
    held = np.repeat(np.arange(100, 120)[:, None], 2, axis=1)
    rows, tested = words.telling_words(held, VOCABULARY[:20])
    assert (rows, tested["beyond"]) == ([], 0)


def test_wilson():
    low, high = wilson(0, 10)
    assert low == pytest.approx(0, abs=1e-9)
    assert high == pytest.approx(0.2775, abs=1e-4)
    assert wilson(0.5, 100) == pytest.approx((0.4038, 0.5962), abs=1e-4)


def shares(seed: int, effect: float, size: int = 1500) -> list[dict]:
    """Return rows by rating, for reviews correlated within users and within books.

    Users and books have their own mean rating and their own share of spoilers, independent of each other;
    `effect` raises the log-odds of a spoiler at rating 1.
    """
    draw = np.random.default_rng([17, seed])
    user, book = draw.integers(0, 150, size), draw.integers(0, 60, size)
    mean = 3 + draw.normal(0, 1, 150)[user] + draw.normal(0, 0.7, 60)[book]
    rating = np.clip(np.round(mean + draw.normal(0, 0.7, size)), 1, 5).astype(int)
    logits = -1.2 + draw.normal(0, 1, 150)[user] + draw.normal(0, 0.7, 60)[book] + effect * (rating == 1)
    label = pa.array(draw.random(size) < 1 / (1 + np.exp(-logits)))
    values, grouped = counting.Histogram(), [counting.GroupCounts(), counting.GroupCounts()]
    values.add(rating, label.to_numpy(False))
    for counts, groups in zip(grouped, (user, book), strict=True):
        counts.add(pa.array(groups), pa.array(rating), label)
    return share_tables({"rating": (values, *(counts.table() for counts in grouped))})["rating"]


def test_shares_that_do_not_differ_are_claimed_as_rarely_as_said():
    """Expect a claim in at most 5 % of 300 samples with spoilers independent of ratings."""
    claims = sum(any(row["shown"] for row in shares(seed, 0.0)) for seed in range(300))
    assert claims <= 300 * 0.05 + 2 * (300 * 0.05 * 0.95) ** 0.5


def test_shares_that_differ_are_claimed():
    found = [{row["rating"]: row["shown"] for row in shares(seed, 1.5)} for seed in range(20)]
    assert sum(shown[1] for shown in found) >= 16


def test_variances_are_those_of_plain_sums():
    """Compute two-way clustered variances by definition, review by review; some have no user."""
    draw = np.random.default_rng(3)
    rows = [
        (user if user < 30 else None, book, int(value), bool(label))
        for user, book, value, label in zip(
            draw.integers(0, 40, 400), draw.integers(0, 25, 400), draw.integers(0, 3, 400),
            draw.random(400) < 0.3, strict=True,
        )
    ]  # fmt: skip
    users, books, values, labels = (list(column) for column in zip(*rows, strict=True))
    histogram, grouped = counting.Histogram(), [counting.GroupCounts(), counting.GroupCounts()]
    histogram.add(np.array(values), np.array(labels))
    for counts, groups in zip(grouped, (users, books), strict=True):
        counts.add(pa.array(groups, pa.int64()), pa.array(values), pa.array(labels))
    alone = [("alone", i) if user is None else user for i, user in enumerate(users)]
    share = np.mean(labels)
    for by, table in ((alone, grouped[0].table()), (books, grouped[1].table())):
        clusters = Clusters.of(table, histogram.counts)
        sizes = histogram.counts.sum(axis=1)
        for value in range(3):
            sums = Counter()
            for group, (*_, v, label) in zip(by, rows, strict=True):
                weight = 1 / sizes[value] if v == value else -1 / (400 - sizes[value])
                sums[group] += weight * (label - share)
            expected = sum(x**2 for x in sums.values()) * len(sums) / (len(sums) - 1)
            assert clusters.of_differences(sizes, share)[value] == pytest.approx(expected)


@pytest.mark.parametrize("missing", ["sentence_labels", "date", "rating", "user_id"])
def test_what_may_be_missing(tmp_path, monkeypatch, missing):
    parts = three()
    for review in (review for name in SPLITS for review in parts[name]):
        review[missing] = None
    write(tmp_path / "data/splits", parts)
    monkeypatch.chdir(tmp_path)
    inspect.main()
    found = json.loads(Path("data/results/data.json").read_text())
    table = {"sentence_labels": "place", "date": "years", "rating": "ratings"}.get(missing)
    assert table is None or not found[table]
    assert (found["groups"]["user"] is None) == (missing == "user_id")
    assert found["groups"]["book"]["groups"] > 0


def test_a_missing_split_is_one_line(tmp_path, monkeypatch):
    write(tmp_path / "data/splits", three())
    (tmp_path / "data/splits/test.parquet").unlink()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="run `dvc repro split`"):
        inspect.main()


def test_words_on_one_side_only_can_be_drawn(tmp_path):
    row = {"class": "spoiler", "word": "dies", "z": 5.0}
    draw(tmp_path / "words", figures.words, [row], 3.0)
    assert (tmp_path / "words.svg").stat().st_size
