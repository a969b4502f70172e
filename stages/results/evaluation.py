"""Every model on the same test reviews."""

import numpy as np

from stages.params import Evaluate
from stages.results.intervals import (
    average_precision_of_weights,
    interval,
    mcnemar,
    resample_groups,
)
from stages.results.scores import (
    decision_scores,
    operating_points,
    probability_scores,
    ranking_scores,
    recall_at_precision,
    roc_auc,
)

CURVE_POINTS = 200
PAIRS = (("gru", "lstm"), ("lstm", "tfidf"), ("gru", "tfidf"))


def evaluate(
    labels: np.ndarray,
    books: np.ndarray,
    probabilities: dict[str, np.ndarray],
    thresholds: dict[str, float],
    settings: Evaluate,
    seed: int,
) -> tuple[dict[str, dict], list[dict]]:
    """Scores of each model, and the difference of each pair (first minus second), with intervals."""
    weights = resample_groups(books, settings.bootstrap, seed)
    resampled = {}
    models = {}
    for name, scores in probabilities.items():
        statistic = average_precision_of_weights(labels, scores)
        resampled[name] = np.array([statistic(row) for row in weights])
        low, high = interval(resampled[name], settings.confidence)
        ranking = ranking_scores(labels, scores)
        models[name] = rounded(
            {
                "average_precision": ranking["average_precision"],
                "low": low,
                "high": high,
                "roc_auc": ranking["roc_auc"],
                **decision_scores(labels, scores, thresholds[name]),
                "recall_at_precision_50": recall_at_precision(labels, scores),
                **probability_scores(labels, scores),
            }
        )
    right = {name: (p >= thresholds[name]) == (labels > 0) for name, p in probabilities.items()}
    pairs = []
    for first, second in PAIRS:
        low, high = interval(resampled[first] - resampled[second], settings.confidence)
        difference = models[first]["average_precision"] - models[second]["average_precision"]
        scores = {"average_precision": difference, "low": low, "high": high}
        p_value = float(f"{mcnemar(right[first], right[second]):.3g}")
        pairs.append({"first": first, "second": second, **rounded(scores), "mcnemar_p": p_value})
    return models, pairs


def sentence_scores(labels: np.ndarray, logits: np.ndarray, review: np.ndarray) -> dict[str, float]:
    """AUC over all labelled sentences, and the mean AUC over the reviews that have both kinds.

    Takes the label (NaN without one), logit and review number of each sentence.
    """
    labelled = ~np.isnan(labels)
    labels, logits, review = labels[labelled], logits[labelled], review[labelled]
    if len(np.unique(labels)) < 2:
        return {}
    bounds = np.flatnonzero(np.diff(review)) + 1
    parts = zip(np.split(labels, bounds), np.split(logits, bounds), strict=True)
    per_review = [roc_auc(y, x) for y, x in parts if 0 < y.sum() < len(y)]
    result = {"pooled_auc": roc_auc(labels, logits), "reviews": len(per_review)}
    if per_review:
        result["mean_auc_per_review"] = float(np.mean(per_review))
    return rounded(result)


def curves(labels: np.ndarray, scores: np.ndarray) -> tuple[list[dict], list[dict]]:
    """Precision-recall and ROC curves of one model, each thinned to at most `CURVE_POINTS` points."""
    _, true, called = operating_points(labels, scores)
    false = called - true
    recall, precision = true / true[-1], true / called
    points = thin(np.append(0, false / false[-1]), np.append(0, recall))
    pr = [{"recall": float(r), "precision": float(p)} for r, p in thin(recall, precision)]
    roc = [{"false_positive_rate": float(f), "recall": float(t)} for f, t in points]
    return pr, roc


def thin(x: np.ndarray, y: np.ndarray) -> list[tuple[float, float]]:
    keep = np.unique(np.linspace(0, len(x) - 1, min(len(x), CURVE_POINTS)).round().astype(int))
    return list(zip(x[keep], y[keep], strict=True))


def rounded(scores: dict[str, float]) -> dict[str, float]:
    """Four decimals: as many as the table of `dvc metrics show` needs."""
    return {name: round(value, 4) for name, value in scores.items()}
