"""Scores against scikit-learn; intervals against simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from stages.params import Evaluate
from stages.results import scores
from stages.results.evaluation import curves, evaluate, sentence_scores
from stages.results.intervals import (
    average_precision_of_weights,
    interval,
    mcnemar,
    resample_groups,
)


@st.composite
def labelled(draw) -> tuple[np.ndarray, np.ndarray]:
    """Labels of both classes, and probabilities with ties."""
    size = draw(st.integers(2, 60))
    labels = draw(st.lists(st.booleans(), min_size=size, max_size=size))
    labels[0], labels[-1] = True, False
    values = draw(st.lists(st.integers(0, 12), min_size=size, max_size=size))
    return np.array(labels, np.float32), np.array(values) / 12


@given(labelled())
def test_scores_equal_scikit_learn(data) -> None:
    labels, p = data
    assert scores.average_precision(labels, p) == pytest.approx(metrics.average_precision_score(labels, p))
    assert scores.roc_auc(labels, p) == pytest.approx(metrics.roc_auc_score(labels, p))
    found = scores.decision_scores(labels, p, 0.5)
    called = p >= 0.5
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(labels, called))
    assert found["precision"] == pytest.approx(metrics.precision_score(labels, called, zero_division=0))
    assert found["recall"] == pytest.approx(metrics.recall_score(labels, called))
    assert found["f1"] == pytest.approx(metrics.f1_score(labels, called, zero_division=0))
    probability = scores.probability_scores(labels, p)
    assert probability["brier"] == pytest.approx(metrics.brier_score_loss(labels, p))
    inside = np.clip(p, 1e-15, 1 - 1e-15)
    assert probability["log_loss"] == pytest.approx(metrics.log_loss(labels, inside), rel=1e-6)


@given(labelled())
def test_the_best_threshold_has_the_best_f1(data) -> None:
    labels, p = data
    best = scores.decision_scores(labels, p, scores.best_threshold(labels, p))["f1"]
    others = [scores.decision_scores(labels, p, threshold)["f1"] for threshold in np.unique(p)]
    assert best == pytest.approx(max(others))


def test_the_best_threshold_of_the_labels_that_are_known() -> None:
    p = np.array([0.1, 0.4, 0.6, 0.9])
    assert scores.best_known_threshold(np.array([0, np.nan, 1, np.nan]), p) == 0.6
    assert scores.best_known_threshold(np.array([np.nan, 1, 1, np.nan]), p) is None
    assert scores.best_known_threshold(np.full(4, np.nan), p) is None


@given(labelled())
def test_recall_at_precision(data) -> None:
    labels, p = data
    precision, recall, _ = metrics.precision_recall_curve(labels, p)
    expected = recall[:-1][precision[:-1] >= 0.5].max(initial=0)
    assert scores.recall_at_precision(labels, p) == pytest.approx(expected)


def test_single_class_has_no_ranking() -> None:
    assert np.isnan(scores.average_precision(np.zeros(3), np.arange(3) / 3))
    assert np.isnan(scores.roc_auc(np.ones(3), np.arange(3) / 3))


def test_calibration_error_by_hand() -> None:
    # Two bins: 0.1 and 0.1 with no spoiler, 0.85 and 0.75 in two further bins with one each.
    error = scores.calibration_error(np.array([0, 0, 1, 1]), np.array([0.15, 0.15, 0.85, 0.75]))
    assert error == pytest.approx((0.3 + 0.15 + 0.25) / 4)


@given(labelled(), st.integers(0, 2**32 - 1))
def test_weights_are_repetitions(data, seed: int) -> None:
    labels, p = data
    weights = np.random.default_rng(seed).integers(0, 3, len(labels))
    weights[0] = 1  # at least one spoiler
    repeated = average_precision_of_weights(labels, p)(weights)
    expected = metrics.average_precision_score(np.repeat(labels, weights), np.repeat(p, weights))
    assert repeated == pytest.approx(expected)


def test_resampling_draws_whole_books() -> None:
    books = np.array(["a", "b", "a", "c", "b", "a"])
    weights = resample_groups(books, 200, seed=1)
    for book in "abc":
        assert (weights[:, books == book].std(axis=1) == 0).all()
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()
    assert (resample_groups(books, 200, seed=1) == weights).all()


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    """1,000 simulated test sets of 60 books; the statistic is a mean, whose truth is known."""
    draw = np.random.default_rng(5)
    covered = 0
    for seed in range(1000):
        of_books = draw.normal(0, 1, 60)
        books = np.repeat(np.arange(60), 4)
        values = of_books[books] + draw.normal(0, 1, 240)
        weights = resample_groups(books, 300, seed)
        means = (weights * values).sum(axis=1) / weights.sum(axis=1)
        low, high = interval(means, 0.95)
        covered += low <= 0 <= high
    assert 930 <= covered <= 970


def test_mcnemar_by_hand() -> None:
    first = np.array([1] * 8 + [0] * 2 + [1] * 5, bool)
    second = np.array([0] * 8 + [1] * 2 + [1] * 5, bool)
    # Ten disagreements, two one way: 2 * (1 + 10 + 45) / 1024.
    assert mcnemar(first, second) == pytest.approx(2 * 56 / 1024)
    assert mcnemar(first, first) == 1.0


def test_equal_models_differ_by_nothing() -> None:
    draw = np.random.default_rng(0)
    labels = (draw.random(300) < 0.3).astype(np.float32)
    p = np.clip(0.3 * labels + draw.random(300) * 0.7, 0, 1)
    models, pairs = evaluate(
        labels,
        draw.integers(0, 20, 300),
        {"lstm": p, "gru": p, "tfidf": draw.random(300)},
        {"lstm": 0.5, "gru": 0.5, "tfidf": 0.5},
        Evaluate(bootstrap=200, confidence=0.95),
        seed=1,
    )
    same, better, _ = pairs
    assert (same["low"], same["high"], same["mcnemar_p"]) == (0, 0, 1)
    assert better["low"] > 0
    assert models["lstm"]["low"] <= models["lstm"]["average_precision"] <= models["lstm"]["high"]


def test_sentence_scores() -> None:
    labels = np.array([0, 1, 0, 0, np.nan, 1, 0], np.float32)
    logits = np.array([0.1, 0.9, 0.3, 0.2, 9.0, 0.1, 0.8], np.float32)
    review = np.array([0, 0, 1, 1, 2, 3, 3])
    found = sentence_scores(labels, logits, review)
    assert found["mean_auc_per_review"] == pytest.approx(0.5)  # 1 and 0; review 1 has a single class
    assert found["reviews"] == 2
    kept = ~np.isnan(labels)
    assert found["pooled_auc"] == pytest.approx(metrics.roc_auc_score(labels[kept], logits[kept]), abs=1e-4)
    assert sentence_scores(np.full(3, np.nan), np.zeros(3), np.arange(3)) == {}


@given(labelled())
def test_curves_end_where_they_must(data) -> None:
    labels, p = data
    pr, roc = curves(labels, p)
    assert pr[-1] == {"recall": 1.0, "precision": pytest.approx(labels.mean())}
    assert roc[0] == {"false_positive_rate": 0.0, "recall": 0.0}
    assert roc[-1] == {"false_positive_rate": 1.0, "recall": 1.0}
