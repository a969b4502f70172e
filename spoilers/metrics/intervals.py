"""Uncertainty of scores: bootstrap over books and trainings, Holm's correction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, stdtrit  # scipy.stats has the same, but takes a second to load

# Maps how often each review was drawn, (resamples, reviews), to a value for each resample, (resamples, ...).
Statistic = Callable[[np.ndarray], np.ndarray]
AT_ONCE = 2**21  # weights in memory at a time
POWER = 0.8  # chance of showing the difference that is called detectable


@dataclass(frozen=True)
class Resamples:
    """Bootstrap resamples of books: how often each book is drawn in each of them.

    Reviews of one book are not independent, so books are drawn, not reviews (Davison and Hinkley, 1997,
    section 3.8).
    """

    drawn: np.ndarray  # int16 (resamples, books)
    book: np.ndarray  # int32 (reviews): the column of `drawn` that holds the review's book

    @classmethod
    def of(cls, books: np.ndarray, times: int, seed: int) -> "Resamples":
        """Draw `times` resamples with replacement, each of as many books as exist."""
        names, which = np.unique(books, return_inverse=True)
        draw, shares = np.random.default_rng(seed), np.full(len(names), 1 / len(names))
        drawn = np.empty((times, len(names)), np.int16)
        for resample in drawn:
            resample[:] = draw.multinomial(len(names), shares)
        return cls(drawn, which.astype(np.int32))

    @property
    def books(self) -> int:
        """Return the number of different books."""
        return self.drawn.shape[1]

    def apply(self, statistic: Statistic, rows: np.ndarray | None = None) -> np.ndarray:
        """Return each resample's statistic, over all reviews or those at `rows`, (resamples, ...)."""
        book = self.book if rows is None else self.book[rows]
        size = max(1, AT_ONCE // max(len(book), 1))
        starts = range(0, len(self.drawn), size)
        return np.concatenate([statistic(self.drawn[i : i + size][:, book]) for i in starts])

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Return each resample's sums of values (reviews, n), float64 (resamples, n).

        Values are summed by book first, so that a resample costs one operation per book.
        """
        by_book = np.stack([np.bincount(self.book, column, self.books) for column in values.T], axis=1)
        size = max(1, AT_ONCE // self.books)
        starts = range(0, len(self.drawn), size)
        return np.concatenate([self.drawn[i : i + size] @ by_book for i in starts])


def interval(values: np.ndarray, confidence: float, groups: float) -> tuple[float, float]:
    """Return the ends of the expanded percentile interval of bootstrap values (Hesterberg, 2015).

    With few groups (books) the plain percentile interval is too narrow. This one is wider, by
    the ratio of Student's t to the normal quantile and by sqrt(n / (n - 1)). Values that are not finite are
    ignored. For values (resamples, points) the two ends are arrays (points).
    """
    quantile = stdtrit(max(groups - 1, 1), (1 + confidence) / 2)
    tail = ndtr(-quantile * np.sqrt(groups / max(groups - 1, 1)))
    finite = np.where(np.isfinite(values), values, np.nan)
    low, high = np.nanquantile(finite, [tail, 1 - tail], axis=0)
    return (float(low), float(high)) if values.ndim == 1 else (low, high)


class Ranking:
    """Reviews, sorted once by descending probability, so that a resample costs one cumulative sum.

    In its methods, `weights` is how often each review was drawn, (resamples, reviews). Average precision and
    AUC change only at thresholds that gain a spoiler, so only these thresholds are evaluated.
    """

    def __init__(self, labels: np.ndarray, probabilities: np.ndarray):
        self.order = np.argsort(-probabilities, kind="stable")
        self.ends = np.flatnonzero(np.append(np.diff(probabilities[self.order]) != 0, True))  # end of ties
        spoilers = np.flatnonzero(labels[self.order] > 0)
        gaining, self.first = np.unique(np.searchsorted(self.ends, spoilers), return_index=True)
        self.spoilers = self.order[spoilers]
        self.at = self.ends[gaining] + 1  # how many reviews are called spoilers at each gaining threshold
        self.before = np.where(gaining > 0, self.ends[gaining - 1] + 1, 0)  # and at the threshold before it

    def called(self, weights: np.ndarray) -> np.ndarray:
        """Return the total weight of the first n >= 0 reviews, (resamples, reviews + 1)."""
        called = np.zeros((len(weights), len(self.order) + 1), np.int32)
        np.cumsum(weights[:, self.order], axis=1, out=called[:, 1:])
        return called

    def gains(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return new and total true positives at the gaining thresholds, float64 (resamples, thresholds)."""
        gained = np.add.reduceat(weights[:, self.spoilers], self.first, axis=1, dtype=np.float64)
        return gained, np.cumsum(gained, axis=1)

    def average_precision(self, weights: np.ndarray) -> np.ndarray:
        """Return `scores.average_precision` of each resample, (resamples); nan without a spoiler."""
        return self.scores(weights)[:, 0]

    def roc_auc(self, weights: np.ndarray) -> np.ndarray:
        """Return `scores.roc_auc` of each resample, (resamples); nan if there is only one class."""
        return self.scores(weights)[:, 1]

    def scores(self, weights: np.ndarray) -> np.ndarray:
        """Return average precision and ROC-AUC of each resample, (resamples, 2)."""
        called = self.called(weights)
        gained, true = self.gains(weights)
        spoilers = gained.sum(axis=1)
        others = called[:, -1] - spoilers
        precision = true / np.maximum(called[:, self.at], 1)
        # Other reviews with a higher probability, plus half of those with the same probability.
        false = (called[:, self.at] - true + called[:, self.before] - (true - gained)) / 2
        areas = gained * (others[:, None] - false)
        return np.stack(
            [
                divide((gained * precision).sum(axis=1), spoilers),
                divide(areas.sum(axis=1), spoilers * others),
            ],
            axis=1,
        )

    def precision_at(self, recalls: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Return the precision at the highest threshold with at least each recall, (resamples, recalls)."""
        called, true = self.called(weights)[:, self.at], self.gains(weights)[1]
        goals = recalls * true[:, -1:] - 1e-9
        at = np.stack([row.searchsorted(goal) for row, goal in zip(true, goals, strict=True)])
        return divide(np.take_along_axis(true, at, 1), np.take_along_axis(called, at, 1))

    def recall_at(self, false_positive_rates: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Return the highest recall within each false positive rate, (resamples, rates)."""
        called = self.called(weights)
        is_spoiler = np.zeros(len(self.order), bool)
        is_spoiler[self.spoilers] = True
        true = self.called(weights * is_spoiler)
        points = np.append(0, self.ends + 1)
        true, false = true[:, points], called[:, points] - true[:, points]
        goals = false_positive_rates * false[:, -1:] + 1e-9
        after = np.stack([row.searchsorted(goal, "right") for row, goal in zip(false, goals, strict=True)])
        return divide(np.take_along_axis(true, after - 1, 1), true[:, -1:])


def divide(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Return the quotient; nan where the divisor is 0."""
    return np.divide(
        above, below, out=np.full(np.broadcast_shapes(above.shape, below.shape), np.nan), where=below != 0
    )


def f1_of(resamples: Resamples, labels: np.ndarray, called: np.ndarray) -> np.ndarray:
    """Return each resample's F1 of decisions `called` (reviews), (resamples); 0 without a true positive."""
    above, below = resamples.sums(np.stack([2 * labels * called, labels + called], axis=1)).T
    return above / np.maximum(below, 1)


@dataclass(frozen=True)
class Bootstrap:
    """The bootstrap of a score, or of a difference of two, over books and trainings."""

    mean: float  # over the trainings, on the reviews as they are
    values: np.ndarray  # (resamples)
    groups: float  # one more than the degrees of freedom of its intervals

    def interval(self, confidence: float) -> tuple[float, float]:
        """Return the ends of the interval, as `interval` does."""
        return interval(self.values, confidence, self.groups)

    def detectable(self, confidence: float) -> float:
        """Return the smallest true difference that would have been shown with a chance of 80 %.

        It is the sum of the quantiles of Student's t at the level of the two-sided interval and at `POWER`,
        times the standard error (Bloom, 1995, Minimum detectable effects, Evaluation Review 19(5)).
        """
        freedom = max(self.groups - 1, 1)
        quantiles = stdtrit(freedom, (1 + confidence) / 2) + stdtrit(freedom, POWER)
        return float(quantiles * np.std(self.values[np.isfinite(self.values)], ddof=1))


def draw_trainings(trainings: int, times: int, seed: int) -> np.ndarray:
    """Draw trainings with replacement; return the share of each in each resample, (times, trainings).

    Draw n - 1 of n trainings: n draws would shrink the variance of a mean to (n - 1) / n of its value,
    which matters if n is small (Rao and Wu, 1988, Resampling inference with complex survey data).
    """
    if trainings == 1:
        return np.ones((times, 1))
    drawn = np.random.default_rng([seed, trainings]).multinomial(
        trainings - 1, np.full(trainings, 1 / trainings), size=times
    )
    return drawn / (trainings - 1)


def over_trainings(observed: np.ndarray, resampled: np.ndarray, drawn: np.ndarray, books: int) -> Bootstrap:
    """Return the bootstrap of a mean over trainings; books and trainings are drawn, as both vary.

    This follows Bouthillier et al. (2021), Accounting for variance in machine learning benchmarks. Books
    have books - 1 degrees of freedom, and trainings have trainings - 1. The Welch-Satterthwaite formula
    combines them by the share of each in the variance.

    Args:
        observed: each training's score on the original reviews, (trainings).
        resampled: each training's score on each resample of the books, (resamples, trainings).
        drawn: shares of the trainings, from `draw_trainings`; unused for a single training.
        books: number of books drawn from.
    """
    mean, trainings = float(np.mean(observed)), len(observed)
    if trainings == 1:
        return Bootstrap(mean, resampled[:, 0], books)
    of_books = float(np.nanvar(resampled.mean(axis=1)))
    of_trainings = float(np.var(observed, ddof=1)) / trainings
    parts = of_books**2 / max(books - 1, 1) + of_trainings**2 / (trainings - 1)
    freedom = (of_books + of_trainings) ** 2 / parts if parts else books - 1
    return Bootstrap(mean, (resampled * drawn).sum(axis=1), freedom + 1)


@dataclass(frozen=True)
class Comparison:
    """One of several differences: its interval, and whether it differs from 0 after Holm's correction."""

    low: float
    high: float
    confidence: float
    shown: bool


def holm_intervals(
    differences: list[np.ndarray], confidence: float, groups: float | Sequence[float]
) -> list[Comparison]:
    """Return the intervals of m bootstrap differences, with Holm's correction.

    The differences are ordered by how rarely their bootstrap values lie on the other side of 0, the rarest
    first. The k-th interval has the confidence 1 - (1 - confidence) / (m - k + 1). A difference is `shown` if
    its interval and all intervals before it exclude 0. The chance of showing any difference that does not
    exist is then at most 1 - confidence (Holm, 1979; as intervals: Ludbrook, 2000).

    Args:
        differences: m arrays (resamples) of bootstrap values.
        groups: how many groups (books) were resampled, one number for all differences or one for each.
    """
    groups = np.broadcast_to(groups, len(differences))
    values = [found[np.isfinite(found)] for found in differences]
    far_side = [min(np.mean(found <= 0), np.mean(found >= 0)) for found in values]
    distance = [abs(found.mean()) / max(found.std(), 1e-12) for found in values]
    order = sorted(range(len(values)), key=lambda i: (far_side[i], -distance[i]))
    comparisons, shown = {}, True
    for rank, i in enumerate(order):
        level = 1 - (1 - confidence) / (len(values) - rank)
        low, high = interval(values[i], level, groups[i])
        shown = shown and not low <= 0 <= high
        comparisons[i] = Comparison(low, high, level, shown)
    return [comparisons[i] for i in range(len(values))]


def holm_p_values(p_values: np.ndarray) -> np.ndarray:
    """Return Holm-corrected p-values: Holm's method rejects at level alpha those that are at most alpha."""
    order = np.argsort(p_values, kind="stable")
    factors = np.arange(len(p_values), 0, -1)
    corrected = np.empty(len(p_values))
    corrected[order] = np.minimum(np.maximum.accumulate(factors * p_values[order]), 1)
    return corrected
