"""How sure a score is: the bootstrap over books, McNemar's test, and Holm's correction."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import binom

Statistic = Callable[[np.ndarray], float]  # of the weight of each review: how often it was drawn


def resample_groups(groups: np.ndarray, times: int, seed: int) -> np.ndarray:
    """Draw as many groups as there are, with replacement: weights (times, reviews).

    Reviews of one book are alike, so books are drawn, not reviews (Davison and Hinkley, 1997,
    section 3.8).
    """
    names, which = np.unique(groups, return_inverse=True)
    draw = np.random.default_rng(seed)
    drawn = draw.multinomial(len(names), np.full(len(names), 1 / len(names)), size=times)
    return drawn[:, which]


def interval(values: np.ndarray, confidence: float) -> tuple[float, float]:
    """The percentile interval of bootstrap values."""
    tail = (1 - confidence) / 2
    low, high = np.quantile(values[np.isfinite(values)], [tail, 1 - tail])
    return float(low), float(high)


def average_precision_of_weights(labels: np.ndarray, scores: np.ndarray) -> Statistic:
    """Average precision as a function of weights, sorted once: 1000 resamples cost 1000 sums."""
    order = np.argsort(-scores, kind="stable")
    positive = labels[order].astype(float)
    last_of_tie = np.append(np.diff(scores[order]) != 0, True)

    def statistic(weights: np.ndarray) -> float:
        weights = weights[order]
        true = np.cumsum(weights * positive)[last_of_tie]
        called = np.cumsum(weights)[last_of_tie]
        if true[-1] == 0:
            return float("nan")
        gained = np.diff(true, prepend=0.0)
        return float((gained * true / np.maximum(called, 1e-12)).sum() / true[-1])

    return statistic


def mcnemar(first_right: np.ndarray, second_right: np.ndarray) -> float:
    """Exact two-sided p-value that two classifiers err equally often (McNemar, 1947)."""
    only_first = int((first_right & ~second_right).sum())
    only_second = int((~first_right & second_right).sum())
    both = only_first + only_second
    return float(min(1.0, 2 * binom.cdf(min(only_first, only_second), both, 0.5))) if both else 1.0


@dataclass(frozen=True)
class Comparison:
    """One of several differences: its interval, and whether it is told apart from 0 beside the others."""

    low: float
    high: float
    confidence: float
    shown: bool


def holm_intervals(differences: list[np.ndarray], confidence: float) -> list[Comparison]:
    """Percentile intervals of bootstrap differences, corrected for their number m by Holm's method.

    The differences are ordered by how rarely their bootstrap values are on the far side of 0. The
    k-th has the confidence 1 - (1 - confidence) / (m - k + 1), and is shown if its interval and all
    before it leave 0 out, so that the chance of showing any difference that is none stays below
    1 - confidence (Holm, 1979; as intervals: Ludbrook, 2000). Once one is not shown, none after it
    is, whatever its interval.
    """
    values = [found[np.isfinite(found)] for found in differences]
    far_side = [min(np.mean(found <= 0), np.mean(found >= 0)) for found in values]
    distance = [abs(found.mean()) / max(found.std(), 1e-12) for found in values]
    order = sorted(range(len(values)), key=lambda i: (far_side[i], -distance[i]))
    comparisons, shown = {}, True
    for rank, i in enumerate(order):
        level = 1 - (1 - confidence) / (len(values) - rank)
        low, high = interval(values[i], level)
        shown = shown and not low <= 0 <= high
        comparisons[i] = Comparison(low, high, level, shown)
    return [comparisons[i] for i in range(len(values))]
