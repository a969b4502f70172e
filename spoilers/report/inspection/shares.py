"""Compute shares of spoilers by rating and year, with errors clustered by user and book.

Reviews of one user are not independent, nor are those of one book. So variances are two-way clustered: the
variance over users plus that over books, minus that over single reviews, which both contain (Cameron,
Gelbach and Miller, 2011, Robust inference with multiway clustering, Journal of Business & Economic
Statistics 29(2)), and no less than either of the two.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from scipy.special import stdtr, stdtrit

from spoilers.metrics.intervals import holm_p_values
from spoilers.report.inspection.counting import Histogram

FEWEST = 20  # users and books that a value must have to be tested: a variance over fewer is too uncertain
ALPHA = 0.05  # chance of claiming any difference where there is none


@dataclass(frozen=True)
class Clusters:
    """Reviews and spoilers by group (user or book) and value, with a row for each pair."""

    group: np.ndarray  # int (rows), from 0
    value: np.ndarray  # int (rows)
    reviews: np.ndarray  # int (rows)
    spoilers: np.ndarray  # int (rows)

    @classmethod
    def of(cls, table: pa.Table, counts: np.ndarray) -> "Clusters":
        """Return the clusters of a `GroupCounts` table; a review without a group is its own cluster.

        Args:
            counts: reviews without and with a spoiler at each value, including those without a group,
                (values, 2).
        """
        group = table["group"].combine_chunks().dictionary_encode().indices.to_numpy()
        value, reviews, spoilers = (table[name].to_numpy() for name in ("value", "reviews", "spoilers"))
        left = counts.copy()
        np.subtract.at(left, (value, 1), spoilers)
        np.subtract.at(left, (value, 0), reviews - spoilers)
        values, spoils = (np.repeat(index.ravel(), left.ravel()) for index in np.indices(left.shape))
        alone = group.max(initial=-1) + 1 + np.arange(len(values))
        pairs = ((group, alone), (value, values), (reviews, np.ones_like(values)), (spoilers, spoils))
        return cls(*(np.concatenate(pair) for pair in pairs))

    def groups(self, values: int) -> np.ndarray:
        """Return the number of groups at each value, (values)."""
        return np.bincount(self.value, minlength=values)

    def of_shares(self, shares: np.ndarray) -> np.ndarray:
        """Return the variance of the number of spoilers at each value, given its `shares`, (values)."""
        residuals = self.spoilers - shares[self.value] * self.reviews
        return self.corrected(np.bincount(self.value, residuals**2, len(shares)))

    def of_differences(self, sizes: np.ndarray, share: float) -> np.ndarray:
        """Return the variance of each value's share minus that of all other reviews, (values).

        It assumes the null hypothesis of one common share.
        """
        here = self.spoilers - share * self.reviews
        everywhere = np.bincount(self.group, here)
        others = np.maximum(sizes.sum() - sizes, 1)
        inside, outside = 1 / np.maximum(sizes, 1) + 1 / others, 1 / others
        squares = np.bincount(self.value, here**2, len(sizes))
        products = np.bincount(self.value, here * everywhere[self.group], len(sizes))
        total = (everywhere**2).sum()
        return self.corrected(inside**2 * squares - 2 * inside * outside * products + outside**2 * total)

    def corrected(self, variances: np.ndarray) -> np.ndarray:
        """Return the variances with the correction for a finite number of groups."""
        groups = self.group.max(initial=0) + 1
        return variances * groups / max(groups - 1, 1)


def share_tables(keys: dict[str, tuple[Histogram, pa.Table, pa.Table]]) -> dict[str, list[dict]]:
    """Return the reviews and the share of spoilers at each value that occurs, by key.

    The intervals are at 95 %. A value is `shown` to differ from all others taken together if its p-value is
    at most `ALPHA` after Holm's correction for all values of all keys. Values with few users or books are
    not tested, and have no `p`.

    Args:
        keys: each key's counts, and its counts by user and by book (`GroupCounts`).
    """
    tables = {key: share_table(key, *counts) for key, counts in keys.items()}
    tested = [row for rows in tables.values() for row in rows if "p" in row]
    corrected = holm_p_values(np.array([row["p"] for row in tested]))
    for row, p in zip(tested, corrected, strict=True):
        row["p"] = float(f"{p:.2g}")
        row["shown"] = int(p <= ALPHA)
    return tables


def share_table(key: str, values: Histogram, by_user: pa.Table, by_book: pa.Table) -> list[dict]:
    """Return a row for each value that occurs; `p` is not corrected."""
    counts = values.counts
    reviews = counts.sum(axis=1)
    known = np.flatnonzero(reviews)
    if not len(known):
        return []
    sizes, spoilers = np.maximum(reviews, 1), counts[:, 1]
    ways = [Clusters.of(table, counts) for table in (by_user, by_book)]
    single = Clusters.of(by_user.slice(0, 0), counts)
    groups = np.minimum(*(way.groups(len(counts)) for way in ways))
    shares, share = spoilers / sizes, spoilers.sum() / reviews.sum()
    of_shares = two_way([c.of_shares(shares) / sizes**2 for c in (*ways, single)])
    of_differences = two_way([c.of_differences(reviews, share) for c in (*ways, single)])
    elsewhere = (spoilers.sum() - spoilers) / np.maximum(reviews.sum() - reviews, 1)
    rows = []
    for value in known:
        low, high = interval(shares[value], of_shares[value], int(reviews[value]), int(groups[value]))
        found = {"share": shares[value], "low": low, "high": high, "elsewhere": elsewhere[value]}
        row = {key: int(value), "reviews": int(reviews[value])}
        row |= {name: round(float(number), 4) for name, number in found.items()} | {"shown": 0}
        if len(known) > 1 and groups[value] >= FEWEST and of_differences[value] > 0:
            score = abs(shares[value] - elsewhere[value]) / of_differences[value] ** 0.5
            row["p"] = float(2 * stdtr(groups[value] - 1, -score))
        rows.append(row)
    return rows


def two_way(variances: list[np.ndarray]) -> np.ndarray:
    """Return the two-way clustered variance from those over users, over books and over reviews."""
    users, books, reviews = variances
    return np.maximum(users + books - reviews, np.maximum(users, books))


def interval(share: float, variance: float, reviews: int, groups: int) -> tuple[float, float]:
    """Return the ends of a share's 95 % interval.

    It is Wilson's interval (1927) with the effective sample size that gives this variance (Korn and
    Graubard, 1998, Survey Methodology 24), and with Student's t for the smaller number of groups.
    """
    trials = min(share * (1 - share) / variance, reviews) if variance > 0 else min(groups, reviews)
    return wilson(share, trials, stdtrit(max(groups - 1, 1), 0.975))


def wilson(share: float, trials: float, z: float = 1.96) -> tuple[float, float]:
    """Return the ends of the interval of a share (Wilson, 1927), good for small numbers too."""
    spread = z**2 / trials
    middle = share + spread / 2
    side = z * (share * (1 - share) / trials + spread / (4 * trials)) ** 0.5
    return max((middle - side) / (1 + spread), 0.0), min((middle + side) / (1 + spread), 1.0)
