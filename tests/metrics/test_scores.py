"""Compare with scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from sklearn import metrics

from spoilers.metrics import scores
from tests.scored import labelled


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
    # Three bins: 0.15 and 0.15 without a spoiler; 0.85 and 0.75 with one spoiler each.
    error = scores.calibration_error(np.array([0, 0, 1, 1]), np.array([0.15, 0.15, 0.85, 0.75]))
    assert error == pytest.approx((0.3 + 0.15 + 0.25) / 4)
