"""Score probabilities and decisions against labels.

All ranking scores come from one table: for each threshold, the number of reviews with at least that
probability, and the number of spoilers among them. The tests compare these scores with
scikit-learn's. Importing scikit-learn takes longer than a small training, so the optimizer study's runs do
without it.

In all functions `labels` are 0 or 1 and `probabilities` are of a spoiler, both (reviews).
"""

import numpy as np


def operating_points(
    labels: np.ndarray, probabilities: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the distinct probabilities as thresholds, descending, with two counts at each, all (thresholds).

    The counts are of true positives and of all reviews called spoilers, where `probability >= threshold`.
    """
    order = np.argsort(-probabilities, kind="stable")
    values = probabilities[order]
    last_of_tie = np.append(np.diff(values) != 0, True)
    true = np.cumsum(labels[order], dtype=np.float64)
    called = np.arange(1, len(values) + 1)
    return values[last_of_tie], true[last_of_tie], called[last_of_tie]


def average_precision(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the mean precision, weighted by the recall gained at each threshold; nan without a spoiler."""
    _, true, called = operating_points(labels, probabilities)
    if true[-1] == 0:
        return float("nan")
    return float((np.diff(true, prepend=0) * true / called).sum() / true[-1])


def roc_auc(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the probability that a random spoiler scores higher than a random other review.

    Ties count one half; nan if there is only one class.
    """
    _, true, called = operating_points(labels, probabilities)
    false = called - true
    if true[-1] == 0 or false[-1] == 0:
        return float("nan")
    heights = true - np.diff(true, prepend=0) / 2
    return float((np.diff(false, prepend=0) * heights).sum() / (true[-1] * false[-1]))


def ranking_scores(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """Return the scores that need no threshold: average precision (the main score) and ROC-AUC."""
    return {
        "average_precision": average_precision(labels, probabilities),
        "roc_auc": roc_auc(labels, probabilities),
    }


def decision_scores(labels: np.ndarray, probabilities: np.ndarray, threshold: float) -> dict[str, float]:
    """Return accuracy, precision, recall and F1 of the decisions `probabilities >= threshold`.

    Precision is 0 if no review is called a spoiler.
    """
    truth, called = labels.astype(bool), probabilities >= threshold
    true_positives = int((truth & called).sum())
    precision = true_positives / max(int(called.sum()), 1)
    recall = true_positives / max(int(truth.sum()), 1)
    return {
        "accuracy": float((truth == called).mean()),
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / max(precision + recall, 1e-12),
    }


def probability_scores(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """Return Brier score, log loss and expected calibration error, which tell whether 0.7 means 70 %."""
    p = np.clip(probabilities.astype(np.float64), 1e-15, 1 - 1e-15)
    return {
        "brier": float(np.mean((probabilities - labels) ** 2)),
        "log_loss": float(-np.mean(np.where(labels > 0, np.log(p), np.log1p(-p)))),
        "calibration_error": calibration_error(labels, probabilities),
    }


def calibration_error(labels: np.ndarray, probabilities: np.ndarray, bins: int = 10) -> float:
    """Return the expected calibration error over bins of equal width (Guo et al., 2017, eq. 3).

    It is the distance between the mean probability and the share of spoilers in a bin, averaged over reviews.
    """
    which = np.minimum((probabilities * bins).astype(int), bins - 1)
    gap = np.bincount(which, probabilities, bins) - np.bincount(which, labels, bins)
    return float(np.abs(gap).sum() / len(labels))


def best_threshold(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the threshold with the highest F1; among equals, the highest threshold."""
    thresholds, true, called = operating_points(labels, probabilities)
    f1 = 2 * true / (called + labels.sum())
    return float(thresholds[np.argmax(f1)])


def best_known_threshold(labels: np.ndarray, probabilities: np.ndarray) -> float | None:
    """Return `best_threshold` over the labels that are not NaN; None unless both classes are among them."""
    known = ~np.isnan(labels)
    if len(np.unique(labels[known])) < 2:
        return None
    return best_threshold(labels[known], probabilities[known])


def recall_at_precision(labels: np.ndarray, probabilities: np.ndarray, precision: float = 0.5) -> float:
    """Return the largest recall among thresholds with at least the given precision; 0 if there is none."""
    _, true, called = operating_points(labels, probabilities)
    return float((true / max(true[-1], 1))[true / called >= precision].max(initial=0.0))


def all_scores(labels: np.ndarray, probabilities: np.ndarray, threshold: float) -> dict[str, float]:
    """Return all scores above, of one model on one set of reviews."""
    return {
        **ranking_scores(labels, probabilities),
        **decision_scores(labels, probabilities, threshold),
        "recall_at_precision_50": recall_at_precision(labels, probabilities),
        **probability_scores(labels, probabilities),
    }
