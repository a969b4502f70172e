"""Every model on the same test reviews."""

import numpy as np

from spoilers.metrics.intervals import Ranking, Resamples, f1_of, interval, mcnemar, mean_of
from spoilers.metrics.scores import all_scores, decision_scores, roc_auc

GRID = np.linspace(0, 1, 101)  # recalls, or shares of false alarms, at which a curve is given
BINS = 10  # of probability
PAIRS = (("gru", "lstm"), ("lstm", "tfidf"), ("gru", "tfidf"))
# What `dvc metrics show` lists: few enough to be read at a glance.
HEADLINE = ("average_precision", "roc_auc", "accuracy", "precision", "recall", "f1")


class Evaluation:
    """The test reviews' labels, and each model's probabilities and threshold."""

    def __init__(
        self,
        labels: np.ndarray,
        resamples: Resamples,
        probabilities: dict[str, np.ndarray],
        thresholds: dict[str, float],
        confidence: float,
    ):
        self.labels, self.resamples, self.confidence = labels, resamples, confidence
        self.probabilities, self.thresholds = probabilities, thresholds
        self.rankings = {name: Ranking(labels, p) for name, p in probabilities.items()}
        self.called = {name: p >= thresholds[name] for name, p in probabilities.items()}
        self.resampled = {name: resamples.apply(r.average_precision) for name, r in self.rankings.items()}

    def interval(self, values: np.ndarray) -> tuple[float, float]:
        return interval(values, self.confidence, self.resamples.books)

    def scores(self, name: str) -> dict[str, float]:
        """Return every score of one model, and the interval of its average precision."""
        low, high = self.interval(self.resampled[name])
        found = all_scores(self.labels, self.probabilities[name], self.thresholds[name])
        return rounded(
            {"average_precision": found.pop("average_precision"), "low": low, "high": high} | found
        )

    def headline(self, name: str) -> dict[str, float]:
        """Return the few scores of one model that people compare."""
        found = self.scores(name)
        return {key: found[key] for key in HEADLINE}

    def details(self, name: str) -> dict:
        """Return further intervals, and the decisions at a threshold of 0.5 instead of the chosen one."""
        at_half = decision_scores(self.labels, self.probabilities[name], 0.5)
        auc = self.interval(self.resamples.apply(self.rankings[name].roc_auc))
        f1 = self.interval(self.resamples.apply(f1_of(self.labels, self.called[name])))
        found = {
            **dict(zip(("roc_auc_low", "roc_auc_high", "f1_low", "f1_high"), auc + f1, strict=True)),
            "threshold": self.thresholds[name],
            **{f"{key}_at_half": value for key, value in at_half.items()},
        }
        called, spoils = self.called[name], self.labels > 0
        mistakes = {"false_alarms": int((called & ~spoils).sum()), "missed": int((~called & spoils).sum())}
        return {**rounded(found), **mistakes}

    def pair(self, first: str, second: str) -> dict:
        """Return differences, first minus second, on the same resamples, and McNemar's test."""
        precision = self.scores(first)["average_precision"] - self.scores(second)["average_precision"]
        low, high = self.interval(self.resampled[first] - self.resampled[second])
        right = [self.called[name] == (self.labels > 0) for name in (first, second)]
        accuracy = right[0].astype(float) - right[1]
        accuracy_low, accuracy_high = self.interval(self.resamples.apply(mean_of(accuracy)))
        differences = {
            "average_precision": precision,
            "low": low,
            "high": high,
            "accuracy": float(accuracy.mean()),
            "accuracy_low": accuracy_low,
            "accuracy_high": accuracy_high,
        }
        p_value = float(f"{mcnemar(*right):.3g}")
        return {"first": first, "second": second, **rounded(differences), "mcnemar_p": p_value}

    def pairs(self) -> list[dict]:
        """Return the differences of the networks from each other and from TF-IDF."""
        return [self.pair(first, second) for first, second in PAIRS]

    def curves(self, name: str) -> tuple[list[dict], list[dict]]:
        """Return precision against recall, and recall against false alarms (ROC), each with its interval."""
        ranking, recalls = self.rankings[name], GRID[1:]
        precision = self.curve(lambda weights: ranking.precision_at(recalls, weights))
        recall = self.curve(lambda weights: ranking.recall_at(GRID, weights))
        return (
            [
                {"recall": float(x), "precision": y, **sides}
                for x, (y, sides) in zip(recalls, precision, strict=True)
            ],
            [
                {"false_positive_rate": float(x), "recall": y, **sides}
                for x, (y, sides) in zip(GRID, recall, strict=True)
            ],
        )

    def curve(self, statistic) -> list[tuple[float, dict[str, float]]]:
        """Return a value and its interval at each point of a curve."""
        (values,) = statistic(np.ones((1, len(self.labels))))
        lows, highs = self.interval(self.resamples.apply(statistic))
        sides = [{"low": float(low), "high": float(high)} for low, high in zip(lows, highs, strict=True)]
        return list(zip(map(float, values), sides, strict=True))

    def calibration(self, name: str) -> list[dict]:
        """Return what was predicted and what was found, in bins of equal width without the empty ones."""
        p = self.probabilities[name]
        which = np.minimum((p * BINS).astype(int), BINS - 1)
        rows = []
        for i in np.unique(which):
            inside = which == i
            spoilers = int(self.labels[inside].sum())
            found = {"predicted": float(p[inside].mean()), "observed": spoilers / int(inside.sum())}
            counts = {"bin": int(i), "reviews": int(inside.sum()), "spoilers": spoilers}
            rows.append({**counts, **rounded(found)})
        return rows


def sentence_scores(labels: np.ndarray, logits: np.ndarray, review: np.ndarray) -> dict[str, float]:
    """Return the AUC over all labelled sentences, and the mean AUC over the reviews that have both kinds.

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


def rounded(scores: dict[str, float]) -> dict[str, float]:
    """Return the scores with four decimals, as many as the tables need."""
    return {name: round(value, 4) for name, value in scores.items()}
