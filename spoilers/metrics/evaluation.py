"""Evaluate every model on the same test reviews, and a network by trainings that differ only in the seed."""

import numpy as np

from spoilers.metrics.intervals import (
    Bootstrap,
    Ranking,
    Resamples,
    draw_trainings,
    f1_of,
    holm_intervals,
    over_trainings,
)
from spoilers.metrics.scores import all_scores, decision_scores, roc_auc

GRID = np.linspace(0, 1, 101)  # recalls, false positive rates, or thresholds at which a curve is computed
BINS = 10  # of probability
NETWORKS, SIMPLE = ("lstm", "gru"), ("tfidf", "tfidf_sentences", "length", "majority")
# The report's family of comparisons; pairs with a missing model are skipped.
PAIRS = (
    NETWORKS,
    *((network, other) for network in NETWORKS for other in SIMPLE),
    ("tfidf", "length"),
    ("tfidf", "majority"),
)
# The scores that `dvc metrics show` lists, in a table of at most 120 characters.
HEADLINE = ("average_precision", "sd_over_seeds", "roc_auc", "accuracy", "precision", "recall", "f1")
WITH_INTERVALS = ("average_precision", "roc_auc", "f1")


class Evaluation:
    """The test reviews' labels, and the probabilities and threshold of each training of each model.

    A network has several trainings, a simple model one. Curves and calibration are those of the first
    training.
    """

    def __init__(
        self,
        labels: np.ndarray,
        resamples: Resamples,
        probabilities: dict[str, list[np.ndarray]],
        thresholds: dict[str, list[float]],
        confidence: float,
        seed: int,
    ):
        self.labels, self.resamples, self.confidence = labels, resamples, confidence
        self.probabilities, self.thresholds = probabilities, thresholds
        trainings = max(map(len, probabilities.values()))
        self.drawn = draw_trainings(trainings, len(resamples.drawn), seed)
        self.trainings = {name: list(map(self.of_training, probabilities[name], thresholds[name]))
                          for name in probabilities}  # fmt: skip
        self.resampled = {name: self.resample(name) for name in probabilities}

    def of_training(self, p: np.ndarray, threshold: float) -> dict[str, float]:
        """Return one training's scores, at its threshold and at 0.5, and its mistake counts."""
        called, spoils = p >= threshold, self.labels > 0
        at_half = decision_scores(self.labels, p, 0.5)
        return {
            **all_scores(self.labels, p, threshold),
            **{f"{key}_at_half": value for key, value in at_half.items()},
            "false_alarms": int((called & ~spoils).sum()),
            "missed": int((~called & spoils).sum()),
        }

    def resample(self, name: str) -> dict[str, np.ndarray]:
        """Return the scores `WITH_INTERVALS` of each resample and training, each (resamples, trainings)."""
        pairs = list(zip(self.probabilities[name], self.thresholds[name], strict=True))
        ranked = np.stack([self.resamples.apply(Ranking(self.labels, p).scores) for p, _ in pairs], axis=1)
        f1 = [f1_of(self.resamples, self.labels, p >= threshold) for p, threshold in pairs]
        found = (ranked[:, :, 0], ranked[:, :, 1], np.stack(f1, axis=1))
        return dict(zip(WITH_INTERVALS, found, strict=True))

    def observed(self, name: str, score: str) -> np.ndarray:
        """Return a score of each training, (trainings)."""
        return np.array([found[score] for found in self.trainings[name]])

    def bootstrap(self, score: str, name: str, other: str | None = None) -> Bootstrap:
        """Return the bootstrap of a score, or of a difference on the same books with the same seeds."""
        observed, resampled = self.observed(name, score), self.resampled[name][score]
        if other:
            observed = observed - self.observed(other, score)
            resampled = resampled - self.resampled[other][score]
        return over_trainings(observed, resampled, self.drawn, self.resamples.books)

    def scores(self, name: str) -> dict[str, float]:
        """Return a model's mean scores over trainings, with intervals, and the first training's threshold.

        `sd_over_seeds` is the standard deviation of average precision, 0 for a single training.
        """
        precisions = self.observed(name, "average_precision")
        found = mean_scores(self.trainings[name])
        found["sd_over_seeds"] = float(precisions.std(ddof=1)) if len(precisions) > 1 else 0.0
        for score in WITH_INTERVALS:
            low, high = self.bootstrap(score, name).interval(self.confidence)
            prefix = "" if score == "average_precision" else f"{score}_"
            found |= {f"{prefix}low": low, f"{prefix}high": high}
        mistakes = {key: round(found.pop(key)) for key in ("false_alarms", "missed")}
        return {**rounded(found | {"threshold": self.thresholds[name][0]}), **mistakes}

    def headline(self, name: str) -> dict[str, float]:
        """Return the few scores of one model that people compare."""
        found = self.scores(name)
        return {key: found[key] for key in HEADLINE}

    def pairs(self) -> list[dict]:
        """Return the differences in average precision, first minus second, corrected as one family.

        `detectable` is the smallest difference that would have been shown with a chance of 80 %.
        """
        pairs = [pair for pair in PAIRS if set(pair) <= self.probabilities.keys()]
        found = [self.bootstrap("average_precision", *pair) for pair in pairs]
        corrected = holm_intervals(
            [one.values for one in found], self.confidence, [one.groups for one in found]
        )
        return [
            {
                "first": first,
                "second": second,
                **rounded({"average_precision": one.mean, "low": holm.low, "high": holm.high}),
                "confidence": round(holm.confidence, 4),
                "shown": int(holm.shown),
                "detectable": round(one.detectable(holm.confidence), 4),
            }
            for (first, second), one, holm in zip(pairs, found, corrected, strict=True)
        ]

    def curves(self, name: str) -> tuple[list[dict], list[dict]]:
        """Return precision against recall, and recall against false alarms (ROC), each with its interval."""
        ranking, recalls = Ranking(self.labels, self.probabilities[name][0]), GRID[1:]
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
        (values,) = statistic(np.ones((1, len(self.labels)), np.int16))
        found = Bootstrap(0, self.resamples.apply(statistic), self.resamples.books)
        lows, highs = found.interval(self.confidence)
        sides = [{"low": float(low), "high": float(high)} for low, high in zip(lows, highs, strict=True)]
        return list(zip(map(float, values), sides, strict=True))

    def by_threshold(self, name: str) -> list[dict[str, float]]:
        """Return precision, recall and F1 at each threshold of `GRID`; the one in use is in `thresholds`."""
        keys, p = ("precision", "recall", "f1"), self.probabilities[name][0]
        found = [decision_scores(self.labels, p, threshold) for threshold in GRID]
        return [
            {"threshold": float(threshold), **{key: scores[key] for key in keys}}
            for threshold, scores in zip(GRID, found, strict=True)
        ]

    def calibration(self, name: str) -> list[dict]:
        """Return predicted and observed shares of spoilers in bins of equal width, without empty bins."""
        p = self.probabilities[name][0]
        which = np.minimum((p * BINS).astype(int), BINS - 1)
        rows = []
        for i in np.unique(which):
            inside = which == i
            spoilers = int(self.labels[inside].sum())
            found = {"predicted": float(p[inside].mean()), "observed": spoilers / int(inside.sum())}
            counts = {"bin": int(i), "reviews": int(inside.sum()), "spoilers": spoilers}
            rows.append({**counts, **rounded(found)})
        return rows


def sentence_scores(
    labels: np.ndarray, probabilities: np.ndarray, review: np.ndarray, threshold: float | None
) -> dict[str, float]:
    """Return the scores of labelled sentences; none unless both classes are among them.

    The scores are the AUC over all sentences, its mean over reviews that have sentences of both classes,
    and precision, recall and F1 at the threshold, if there is one.

    Args:
        labels: 0, 1, or NaN where there is none, (sentences).
        probabilities: of a spoiler, (sentences).
        review: number of the sentence's review, ascending, (sentences).
    """
    labelled = ~np.isnan(labels)
    labels, p, review = labels[labelled], probabilities[labelled], review[labelled]
    if len(np.unique(labels)) < 2:
        return {}
    counts, flags = np.bincount(review), np.bincount(review, labels)
    mixed = ((flags > 0) & (flags < counts))[review]
    bounds = np.flatnonzero(np.diff(review[mixed])) + 1
    parts = zip(np.split(labels[mixed], bounds), np.split(p[mixed], bounds), strict=True)
    per_review = [roc_auc(y, x) for y, x in parts if len(y)]
    result = {"pooled_auc": roc_auc(labels, p), "reviews": len(per_review)}
    if per_review:
        result["mean_auc_per_review"] = float(np.mean(per_review))
    if threshold is not None:
        result |= {"threshold": threshold, **decision_scores(labels, p, threshold)}
        del result["accuracy"]  # nearly all sentences are of one class
    return result


def mean_scores(trainings: list[dict[str, float]]) -> dict[str, float]:
    """Return the mean of each score over the trainings."""
    return {key: float(np.mean([found[key] for found in trainings])) for key in trainings[0]}


def rounded(scores: dict[str, float]) -> dict[str, float]:
    """Return the scores with four decimals, as many as the tables need."""
    return {name: round(value, 4) for name, value in scores.items()}
