"""Say how sure a score is: bootstrap over books, McNemar's test, Holm's correction."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import binom, norm
from scipy.stats import t as student

# Maps how often each review was drawn, (resamples, reviews), to a value for each resample, (resamples, ...).
Statistic = Callable[[np.ndarray], np.ndarray]
AT_ONCE = 2**21  # weights in memory at a time


@dataclass(frozen=True)
class Resamples:
    """Bootstrap resamples of books: how often each book is drawn in each of them.

    Reviews of one book are not independent, so books are drawn and not reviews (Davison and Hinkley, 1997,
    section 3.8).
    """

    drawn: np.ndarray  # int16 (resamples, books)
    book: np.ndarray  # int64 (reviews): the column of `drawn` that holds the review's book

    @classmethod
    def of(cls, books: np.ndarray, times: int, seed: int) -> "Resamples":
        """Draw `times` resamples: each as many books as there are, with replacement."""
        names, which = np.unique(books, return_inverse=True)
        draw = np.random.default_rng(seed)
        drawn = draw.multinomial(len(names), np.full(len(names), 1 / len(names)), size=times)
        return cls(drawn.astype(np.int16), which)

    @property
    def books(self) -> int:
        """Number of different books."""
        return self.drawn.shape[1]

    def apply(self, statistic: Statistic, rows: np.ndarray | None = None) -> np.ndarray:
        """Return each resample's statistic, over all reviews or those at `rows`, (resamples, ...)."""
        book = self.book if rows is None else self.book[rows]
        size = max(1, AT_ONCE // max(len(book), 1))
        starts = range(0, len(self.drawn), size)
        return np.concatenate([statistic(self.drawn[i : i + size][:, book]) for i in starts])


def interval(values: np.ndarray, confidence: float, groups: int) -> tuple[float, float]:
    """Return the ends of the expanded percentile interval of bootstrap values (Hesterberg, 2015).

    With few groups (books) the plain percentile interval is too narrow. This one goes further out, by
    the ratio of Student's t to the normal quantile and by sqrt(n / (n - 1)). Values that are not finite are
    ignored. For values (resamples, points) the two ends are arrays (points).
    """
    quantile = student.ppf((1 + confidence) / 2, max(groups - 1, 1))
    tail = norm.sf(quantile * np.sqrt(groups / max(groups - 1, 1)))
    finite = np.where(np.isfinite(values), values, np.nan)
    low, high = np.nanquantile(finite, [tail, 1 - tail], axis=0)
    return (float(low), float(high)) if values.ndim == 1 else (low, high)


class Ranking:
    """Reviews, sorted once by descending probability, so that a resample costs only cumulative sums.

    In its methods `weights` is how often each review was drawn, (resamples, reviews).
    """

    def __init__(self, labels: np.ndarray, probabilities: np.ndarray):
        self.order = np.argsort(-probabilities, kind="stable")
        self.positive = labels[self.order].astype(np.float64)
        self.last_of_tie = np.append(np.diff(probabilities[self.order]) != 0, True)

    def counts(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return true positives and positive calls at each threshold, both (resamples, thresholds)."""
        weights = weights[:, self.order].astype(np.float64)
        called = np.cumsum(weights, axis=1)[:, self.last_of_tie]
        weights *= self.positive
        return np.cumsum(weights, axis=1)[:, self.last_of_tie], called

    def average_precision(self, weights: np.ndarray) -> np.ndarray:
        """Return `scores.average_precision` of each resample, (resamples); nan without a spoiler."""
        true, called = self.counts(weights)
        gained = np.diff(true, prepend=0, axis=1)
        return divide((gained * true / np.maximum(called, 1)).sum(axis=1), true[:, -1])

    def roc_auc(self, weights: np.ndarray) -> np.ndarray:
        """Return `scores.roc_auc` of each resample, (resamples); nan if there is only one class."""
        true, called = self.counts(weights)
        false = called - true
        heights = true - np.diff(true, prepend=0, axis=1) / 2
        area = (np.diff(false, prepend=0, axis=1) * heights).sum(axis=1)
        return divide(area, true[:, -1] * false[:, -1])

    def precision_at(self, recalls: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Return the precision at the highest threshold with at least each recall, (resamples, recalls)."""
        true, called = self.counts(weights)
        goals = recalls * true[:, -1:] - 1e-9
        at = np.stack([row.searchsorted(goal) for row, goal in zip(true, goals, strict=True)])
        return divide(np.take_along_axis(true, at, 1), np.take_along_axis(called, at, 1))

    def recall_at(self, false_positive_rates: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Return the highest recall within each false positive rate, (resamples, rates)."""
        true, called = self.counts(weights)
        true, false = (np.pad(x, ((0, 0), (1, 0))) for x in (true, called - true))
        goals = false_positive_rates * false[:, -1:] + 1e-9
        after = np.stack([row.searchsorted(goal, "right") for row, goal in zip(false, goals, strict=True)])
        return divide(np.take_along_axis(true, after - 1, 1), true[:, -1:])


def divide(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Return the quotient; nan where the divisor is 0."""
    return np.divide(
        above, below, out=np.full(np.broadcast_shapes(above.shape, below.shape), np.nan), where=below != 0
    )


def f1_of(labels: np.ndarray, called: np.ndarray) -> Statistic:
    """Return the statistic F1 of decisions `called` (reviews); 0 without a true positive."""
    both = np.stack([2 * labels * called, labels + called], axis=1).astype(np.float64)

    def statistic(weights: np.ndarray) -> np.ndarray:
        above, below = (weights @ both).T
        return above / np.maximum(below, 1)

    return statistic


def mean_of(values: np.ndarray) -> Statistic:
    """Return the statistic mean of `values` (reviews); with right decisions as 1, that is the accuracy."""
    return lambda weights: divide(weights @ values.astype(np.float64), weights.sum(axis=1))


def mcnemar(first_right: np.ndarray, second_right: np.ndarray) -> float:
    """Return the exact two-sided p-value of two classifiers erring equally often (McNemar, 1947)."""
    only_first = int((first_right & ~second_right).sum())
    only_second = int((~first_right & second_right).sum())
    both = only_first + only_second
    return float(min(1.0, 2 * binom.cdf(min(only_first, only_second), both, 0.5))) if both else 1.0


@dataclass(frozen=True)
class Comparison:
    """The interval of one of several differences, and whether it differs from 0 after Holm's correction."""

    low: float
    high: float
    confidence: float
    shown: bool


def holm_intervals(differences: list[np.ndarray], confidence: float, groups: int) -> list[Comparison]:
    """Return the intervals of m bootstrap differences, with Holm's correction.

    The differences are ordered by how rarely their bootstrap values lie on the other side of 0, the rarest
    first. The k-th interval has the confidence 1 - (1 - confidence) / (m - k + 1). A difference is `shown` if
    its interval and all intervals before it exclude 0. The chance of showing any difference that does not
    exist is then at most 1 - confidence (Holm, 1979; as intervals: Ludbrook, 2000).

    Args:
        differences: m arrays (resamples) of bootstrap values.
        groups: how many groups (books) were resampled.
    """
    values = [found[np.isfinite(found)] for found in differences]
    far_side = [min(np.mean(found <= 0), np.mean(found >= 0)) for found in values]
    distance = [abs(found.mean()) / max(found.std(), 1e-12) for found in values]
    order = sorted(range(len(values)), key=lambda i: (far_side[i], -distance[i]))
    comparisons, shown = {}, True
    for rank, i in enumerate(order):
        level = 1 - (1 - confidence) / (len(values) - rank)
        low, high = interval(values[i], level, groups)
        shown = shown and not low <= 0 <= high
        comparisons[i] = Comparison(low, high, level, shown)
    return [comparisons[i] for i in range(len(values))]
