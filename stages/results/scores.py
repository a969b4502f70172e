"""How well probabilities tell spoilers apart."""

import numpy as np
from sklearn.metrics import average_precision_score, log_loss, precision_recall_curve, roc_auc_score


def ranking_scores(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """Average precision (the headline) and ROC-AUC: what does not depend on a threshold."""
    return {
        "average_precision": float(average_precision_score(labels, probabilities)),
        "roc_auc": float(roc_auc_score(labels, probabilities)),
    }


def decision_scores(labels: np.ndarray, probabilities: np.ndarray, threshold: float) -> dict[str, float]:
    """Accuracy, precision, recall and F1 where `probabilities >= threshold` means spoiler.

    Precision is 0 where nothing is called a spoiler, as in scikit-learn.
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
    """Brier score, log loss and expected calibration error: whether 0.7 means 70 %."""
    return {
        "brier": float(np.mean((probabilities - labels) ** 2)),
        "log_loss": float(log_loss(labels, probabilities.astype(np.float64), labels=[0, 1])),
        "calibration_error": calibration_error(labels, probabilities),
    }


def calibration_error(labels: np.ndarray, probabilities: np.ndarray, bins: int = 10) -> float:
    """Mean distance of predicted and observed share over equally wide bins (Guo et al., 2017, eq. 3)."""
    which = np.minimum((probabilities * bins).astype(int), bins - 1)
    size = np.bincount(which, minlength=bins)
    gap = np.bincount(which, probabilities, bins) - np.bincount(which, labels, bins)
    return float(np.abs(gap).sum() / size.sum())


def best_threshold(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """The threshold with the best F1; of equal ones the highest."""
    precision, recall, thresholds = precision_recall_curve(labels, probabilities)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    best = np.flatnonzero(f1[:-1] == f1[:-1].max())[-1]
    return float(thresholds[best])


def recall_at_precision(labels: np.ndarray, probabilities: np.ndarray, precision: float = 0.5) -> float:
    """The largest recall at which at least `precision` of the calls are right; 0 where there is none."""
    precisions, recalls, _ = precision_recall_curve(labels, probabilities)
    return float(recalls[precisions >= precision].max(initial=0.0))
