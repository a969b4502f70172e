"""Every model on the same test reviews: intervals, pairs, curves, slices, mistakes."""

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from scipy.special import expit
from sklearn import metrics

from spoilers.metrics.evaluation import Evaluation, sentence_scores
from spoilers.metrics.intervals import Resamples
from spoilers.studies.comparison import folders_of, without_temperature
from spoilers.studies.mistakes import COUNT, surest
from spoilers.studies.slices import first_flag, score_slices, slices_of
from spoilers.text.splits import SCHEMA
from tests.scored import labelled


def evaluation(labels: np.ndarray, books: np.ndarray, **probabilities) -> Evaluation:
    """Evaluate models with one training (an array) or several (a list of arrays)."""
    of_models = {name: p if isinstance(p, list) else [p] for name, p in probabilities.items()}
    thresholds = {name: [0.5] * len(trainings) for name, trainings in of_models.items()}
    return Evaluation(labels, Resamples.of(books, 300, seed=1), of_models, thresholds, 0.95, seed=1)


def simulated(seed: int, size: int = 600) -> tuple[np.ndarray, ...]:
    """Draw labels, books, and a good, a bad and a middling model's probabilities."""
    draw = np.random.default_rng(seed)
    labels = (draw.random(size) < 0.3).astype(np.float32)
    p = [np.clip(gain * labels + (1 - gain) * draw.random(size), 0, 1) for gain in (0.3, 0.05, 0.2)]
    return labels, draw.integers(0, 40, size), *p


def test_equal_models_differ_by_nothing() -> None:
    labels, books, good, *_ = simulated(1)
    (pair,) = evaluation(labels, books, lstm=good, gru=good.copy()).pairs()
    assert (pair["average_precision"], pair["low"], pair["high"], pair["shown"]) == (0, 0, 0, 0)
    assert pair["detectable"] == 0


def test_a_better_model_is_shown_in_its_direction() -> None:
    labels, books, good, bad, _ = simulated(2)
    (there,) = evaluation(labels, books, lstm=good, gru=bad).pairs()
    assert there["shown"] == 1
    assert there["low"] > 0
    (back,) = evaluation(labels, books, lstm=bad, gru=good).pairs()
    assert back["shown"] == 1
    assert back["low"] == -there["high"]
    # The interval extends to the first quantile; 80 % power adds a second one.
    assert (there["high"] - there["low"]) / 2 < there["detectable"] < there["high"] - there["low"]


def test_pairs_and_headline() -> None:
    labels, books, good, bad, middling = simulated(3)
    models = {"lstm": good, "gru": bad, "tfidf": middling, "majority": np.full(len(labels), 0.3)}
    pairs = evaluation(labels, books, **models).pairs()
    assert [(p["first"], p["second"]) for p in pairs] == [
        ("lstm", "gru"),
        ("lstm", "tfidf"),
        ("lstm", "majority"),
        ("gru", "tfidf"),
        ("gru", "majority"),
        ("tfidf", "majority"),
    ]
    # Corrected together: the clearest has the widest interval.
    assert max(p["confidence"] for p in pairs) == pytest.approx(1 - 0.05 / 6, abs=1e-4)
    assert min(p["confidence"] for p in pairs) == 0.95
    headlines = [evaluation(labels, books, **models).headline(name) for name in models]
    keys = ["average_precision", "sd_over_seeds", "roc_auc", "accuracy", "precision", "recall", "f1"]
    assert [list(headline) for headline in headlines] == [keys] * 4


def trained(seed: int, chance: float) -> tuple[np.ndarray, ...]:
    """Draw labels, books, and four trainings of two equal cells; `chance` varies each training."""
    draw = np.random.default_rng([9, seed])
    labels = (draw.random(400) < 0.3).astype(np.float32)
    cells = []
    for _ in range(2):
        gains = 0.3 + chance * draw.normal(0, 1, 4)
        cells.append([expit(4 * (gain * labels + draw.random(400) - 0.6)) for gain in gains])
    return labels, draw.integers(0, 40, 400), *cells


def test_scores_are_means_over_trainings() -> None:
    labels, books, lstm, gru = trained(0, 0.1)
    found = evaluation(labels, books, lstm=lstm, gru=gru, tfidf=lstm[0])
    precisions = [metrics.average_precision_score(labels, p) for p in lstm]
    scores = found.scores("lstm")
    assert scores["average_precision"] == pytest.approx(np.mean(precisions), abs=1e-4)
    assert scores["sd_over_seeds"] == pytest.approx(np.std(precisions, ddof=1), abs=1e-4)
    f1 = [metrics.f1_score(labels, p >= 0.5) for p in lstm]
    assert scores["f1"] == pytest.approx(np.mean(f1), abs=1e-4)
    assert [one["f1"] for one in found.trainings["lstm"]] == pytest.approx(f1)
    assert found.scores("tfidf")["sd_over_seeds"] == 0
    alone = evaluation(labels, books, lstm=lstm[0]).scores("lstm")
    assert scores["high"] - scores["low"] > 0
    assert alone["average_precision"] == round(precisions[0], 4)
    # Paired by seed: an effect common to both trainings of a seed changes no difference.
    (same, *_) = evaluation(labels, books, lstm=lstm, gru=[p.copy() for p in lstm]).pairs()
    assert (same["low"], same["high"]) == (0, 0)


def test_f1_by_threshold() -> None:
    labels, books, good, *_ = simulated(6)
    rows = evaluation(labels, books, lstm=good).by_threshold("lstm")
    assert len(rows) == 101
    for row in rows[::25]:
        expected = metrics.f1_score(labels, good >= row["threshold"], zero_division=0)
        assert row["f1"] == pytest.approx(expected)


def test_scores_lie_in_their_intervals() -> None:
    labels, books, good, *_ = simulated(4)
    scores = evaluation(labels, books, lstm=good).scores("lstm")
    assert scores["low"] < scores["average_precision"] < scores["high"]
    assert scores["roc_auc_low"] < scores["roc_auc"] < scores["roc_auc_high"]
    assert scores["f1_low"] < scores["f1"] < scores["f1_high"]
    # The threshold is 0.5 here.
    assert [scores[f"{key}_at_half"] for key in ("accuracy", "f1")] == [scores["accuracy"], scores["f1"]]
    matrix = metrics.confusion_matrix(labels, good >= 0.5)
    assert (scores["false_alarms"], scores["missed"]) == (matrix[0, 1], matrix[1, 0])


@settings(deadline=None)
@given(labelled())
def test_curves_end_where_they_must(data) -> None:
    labels, p = data
    precision_recall, roc = evaluation(labels, np.arange(len(labels)), lstm=p).curves("lstm")
    assert precision_recall[-1]["recall"] == roc[-1]["false_positive_rate"] == roc[-1]["recall"] == 1
    lowest = p[labels > 0].min()
    assert precision_recall[-1]["precision"] == pytest.approx(labels[p >= lowest].mean())
    assert roc[0]["recall"] == pytest.approx((labels[p > p[labels == 0].max()]).sum() / labels.sum())
    assert all(row["low"] <= row["high"] for row in precision_recall + roc)


def test_calibration_by_hand() -> None:
    labels, p = np.array([0, 0, 1, 1, 1], np.float32), np.array([0.12, 0.18, 0.14, 1.0, 0.95])
    assert evaluation(labels, np.arange(5), lstm=p).calibration("lstm") == [
        {"bin": 1, "reviews": 3, "spoilers": 1, "predicted": 0.1467, "observed": 0.3333},
        {"bin": 9, "reviews": 2, "spoilers": 2, "predicted": 0.975, "observed": 1.0},
    ]


def test_sentence_scores() -> None:
    labels = np.array([0, 1, 0, 0, np.nan, 1, 0], np.float32)
    p = np.array([0.1, 0.9, 0.3, 0.2, 0.95, 0.1, 0.8], np.float32)
    review = np.array([0, 0, 1, 1, 2, 3, 3])
    found = sentence_scores(labels, p, review, 0.8)
    assert found["mean_auc_per_review"] == pytest.approx(0.5)  # 1 and 0; review 1 has a single class
    assert found["reviews"] == 2
    kept = ~np.isnan(labels)
    assert found["pooled_auc"] == pytest.approx(metrics.roc_auc_score(labels[kept], p[kept]))
    assert [found[key] for key in ("precision", "recall", "f1")] == pytest.approx([0.5, 0.5, 0.5])
    assert "f1" not in sentence_scores(labels, p, review, None)
    assert sentence_scores(np.full(3, np.nan), np.zeros(3), np.arange(3), 0.5) == {}


def test_probabilities_without_their_temperature() -> None:
    logits = np.array([-3.0, -0.5, 0.0, 2.0])
    with_it = expit(logits / 1.7).astype(np.float32)
    assert without_temperature(with_it, 1.7) == pytest.approx(expit(logits), abs=1e-6)
    assert without_temperature(with_it, 1.0) is with_it


def test_trainings_are_paired_by_seed(tmp_path) -> None:
    for cell, seeds in {"lstm": (13, 14, 15), "gru": (14, 15, 16)}.items():
        for seed in seeds:
            (tmp_path / "seeds" / cell / str(seed)).mkdir(parents=True)
    models, further = tmp_path / "models", tmp_path / "seeds"
    found = folders_of(("lstm", "gru"), models, further, 13)
    assert list(found["gru"].items()) == [
        (13, models / "gru"),
        (14, further / "gru/14"),
        (15, further / "gru/15"),
    ]
    assert folders_of(("lstm", "gru"), models, tmp_path / "none", 13)["lstm"] == {13: models / "lstm"}


def split_table() -> pa.Table:
    """Make four reviews: two spoil, in the last or first sentence; one has no flags."""
    flags = [[False, False, True], [True, False], [False], None]
    lengths = [[40, 40, 20], [10, 60], [64], [600]]
    columns = {
        "review_id": list("abcd"),
        "book_id": ["x", "x", "y", "z"],
        "user_id": ["u"] * 4,
        "date": [date(2010, 5, 1), date(2011, 5, 1), None, date(2010, 1, 1)],
        "rating": [5, 0, 5, 5],
        "label": [True, True, False, False],
        "ids": [[2] * sum(n) for n in lengths],
        "sentence_lengths": lengths,
        "sentence_labels": flags,
    }
    return pa.table([pa.array(columns[field.name], field.type) for field in SCHEMA], schema=SCHEMA)


def test_slices() -> None:
    table = split_table()
    assert first_flag(table)[:2] == pytest.approx([0.9, 5 / 70])
    assert np.isnan(first_flag(table)[2:]).all()
    read = np.array([False, True, False, False])
    found = {(by, name): rows.tolist() for by, name, rows in slices_of(table, pa.array(["x"]), read)}
    assert found == {
        ("length", "1 to 64 tokens"): [2],
        ("length", "65 to 128 tokens"): [0, 1],
        ("length", "more than 512 tokens"): [3],
        ("rating", "no rating"): [1],
        ("rating", "5 of 5"): [0, 2, 3],
        ("year", "no date"): [2],
        ("year", "2010"): [0, 3],
        ("year", "2011"): [1],
        ("book", "seen in training"): [0, 1],
        ("book", "not seen in training"): [2, 3],
        ("spoiler", "in the first third"): [1, 2, 3],
        ("spoiler", "in the part that is not read"): [0, 2, 3],
    }


def test_slices_are_scored_by_themselves() -> None:
    labels, books, good, *_ = simulated(5)
    rows = np.flatnonzero(books < 20)
    few = np.flatnonzero(books < 3)
    slices = [("year", "2010", rows), ("year", "2011", few), ("year", "2012", np.flatnonzero(labels == 0))]
    half, small, single = score_slices(slices, evaluation(labels, books, lstm=good), ["lstm"])
    assert half["reviews"] == len(rows)
    assert half["books_with_spoilers"] == 20
    assert half["roc_auc"] == pytest.approx(metrics.roc_auc_score(labels[rows], good[rows]), abs=1e-4)
    assert half["low"] < half["roc_auc"] < half["high"]
    both = score_slices(slices[:1] * 10, evaluation(labels, books, lstm=good), ["lstm"])
    assert both[0]["low"] < half["low"] < half["high"] < both[0]["high"]  # corrected for ten instead of one
    assert "roc_auc" in small
    assert "low" not in small
    assert single["spoilers"] == 0
    assert "roc_auc" not in single


def test_the_surest_mistakes() -> None:
    labels = np.array([0, 0, 0, 1, 1, 1])
    p = np.array([0.9, 0.2, 0.7, 0.1, 0.3, 0.8])
    assert surest(labels, p, 0.5) == [
        ("false alarm", 0),
        ("false alarm", 2),
        ("missed spoiler", 3),
        ("missed spoiler", 4),
    ]
    assert surest(labels, labels.astype(float), 0.5) == []
    assert len(surest(np.zeros(50), np.ones(50), 0.5)) == COUNT
