"""TF-IDF of words and word pairs with logistic regression, built from ids without going back to text.

A feature is a number: `id` for a word, `(id + 1) * V + next id` for two neighbours, where V is the
size of the vocabulary. Unknown words are no features. Everything but the finished matrix is made
block by block, so that memory does not grow with the tokens.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csc_matrix, csr_matrix
from scipy.special import expit
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from spoilers.core.errors import UserError
from spoilers.core.parallel import ordered_map
from spoilers.text.reviews import ReviewFile, Reviews
from spoilers.text.vocabulary import UNKNOWN

BLOCK = 5_000  # reviews that are worked on at a time


def blocks(source: Reviews | ReviewFile, what: str) -> Iterator[Reviews]:
    """Yield the reviews in blocks of `BLOCK`; `what` names the progress bar, shown after a second."""
    bar = {"unit": " reviews", "unit_scale": True, "disable": None, "leave": False, "delay": 1}
    with tqdm(desc=what, total=len(source), **bar) as progress:
        for block in source.blocks(BLOCK):
            yield block
            progress.update(len(block))


def sentences_alone(reviews: Reviews) -> Reviews:
    """Return each sentence as a review of its own, with the sentence's label (NaN where it has none)."""
    count = len(reviews.sentence_lengths)
    return replace(
        reviews,
        token_ends=np.cumsum(reviews.sentence_lengths, dtype=np.int64),
        sentence_ends=np.arange(1, count + 1),
        labels=reviews.sentence_labels,
        sentence_positions=np.zeros(count, np.int32),
    )


def length_features(reviews: Reviews) -> np.ndarray:
    """Return log(1 + tokens) and log(1 + sentences): (reviews, 2)."""
    return np.log1p(np.stack([reviews.lengths, reviews.sentence_counts], axis=1))


@dataclass(frozen=True)
class Counts:
    """How many times each review has each feature, ordered by feature and then by review."""

    codes: np.ndarray  # int64 (distinct features), ascending
    frequency: np.ndarray  # int64 (distinct features): the number of reviews that have it
    review: np.ndarray  # int64 (entries)
    times: np.ndarray  # int64 (entries)

    @classmethod
    def of(cls, reviews: Reviews, vocabulary_size: int) -> "Counts":
        """Count by one sort of numbers with the feature in the high bits and the review in the low ones."""
        ids = reviews.ids.astype(np.int64)
        review = np.repeat(np.arange(len(reviews)), reviews.lengths)
        known = ids != UNKNOWN
        pair = known[:-1] & known[1:] & (review[:-1] == review[1:])
        pairs = (ids[:-1][pair] + 1) * vocabulary_size + ids[1:][pair]
        bits = len(reviews).bit_length()
        keys = np.concatenate([ids[known] << bits | review[known], pairs << bits | review[:-1][pair]])
        keys.sort()
        starts = run_starts(keys)
        times, keys = np.diff(starts, append=len(keys)), keys[starts]
        codes, review = keys >> bits, keys & (1 << bits) - 1
        starts = run_starts(codes)
        return cls(codes[starts], np.diff(starts, append=len(codes)), review, times)


def run_starts(values: np.ndarray) -> np.ndarray:
    """Return where each run of equal values starts in sorted values, none of them negative."""
    return np.flatnonzero(np.diff(values, prepend=-1))


class DocumentFrequencies:
    """The number of reviews that have each feature, added up over blocks.

    Holds each distinct feature once, and what has come since the last merge: at most half as many
    again. A merge takes 40 bytes of memory for each of both.
    """

    def __init__(self) -> None:
        self.codes, self.frequency = np.empty(0, np.int64), np.empty(0, np.int32)
        self.pending: list[tuple[np.ndarray, np.ndarray]] = []

    def add(self, codes: np.ndarray, frequency: np.ndarray) -> None:
        self.pending.append((codes, frequency.astype(np.int32)))
        if sum(len(codes) for codes, _ in self.pending) > len(self.codes) / 2:
            self.merge()

    def merge(self) -> None:
        """Add what is pending; the stable sort finds the parts sorted, and only merges them."""
        codes, frequency = zip((self.codes, self.frequency), *self.pending, strict=True)
        codes, frequency = np.concatenate(codes), np.concatenate(frequency)
        self.pending = []
        order = np.argsort(codes, kind="stable")
        codes, frequency = codes[order], frequency[order]
        starts = run_starts(codes)
        self.codes = codes[starts]
        self.frequency = np.add.reduceat(frequency, starts) if len(starts) else frequency


@dataclass(frozen=True)
class Features:
    """The words and pairs that are counted, and how much each weighs."""

    codes: np.ndarray  # int64 (features), ascending
    idf: np.ndarray  # float64 (features)
    vocabulary_size: int

    @classmethod
    def of(
        cls,
        source: Reviews | ReviewFile,
        vocabulary_size: int,
        min_count: int,
        max_features: int,
        workers: int = 1,
    ) -> "Features":
        """Return the most frequent features, by the number of reviews that have them, at least `min_count`.

        Raises:
            UserError: no word is in `min_count` reviews.
        """
        found = DocumentFrequencies()

        def count(block: Reviews) -> tuple[np.ndarray, np.ndarray]:
            counts = Counts.of(block, vocabulary_size)
            return counts.codes, counts.frequency

        for codes, frequency in ordered_map(count, blocks(source, "count features"), workers):
            found.add(codes, frequency)
        found.merge()
        enough = np.flatnonzero(found.frequency >= min_count)
        if len(enough) == 0:
            raise UserError(f"no word is in {min_count} training reviews; lower baseline.min_count")
        order = np.argsort(-found.frequency[enough], kind="stable")
        chosen = np.sort(enough[order[:max_features]])
        idf = np.log((1 + len(source)) / (1 + found.frequency[chosen])) + 1
        return cls(found.codes[chosen], idf, vocabulary_size)

    def matrix(self, reviews: Reviews) -> csr_matrix:
        """Return TF-IDF with 1 + log(count), each row of length 1: float32 (reviews, features)."""
        counts = Counts.of(reviews, self.vocabulary_size)
        column = np.minimum(np.searchsorted(self.codes, counts.codes), len(self.codes) - 1)
        known = self.codes[column] == counts.codes
        kept = np.repeat(known, counts.frequency)
        sizes = np.zeros(len(self.codes) + 1, np.int64)
        sizes[column[known] + 1] = counts.frequency[known]
        by_column = (counts.times[kept].astype(np.float32), counts.review[kept], np.cumsum(sizes))
        matrix = csc_matrix(by_column, shape=(len(reviews), len(self.codes))).tocsr()
        transformer = TfidfTransformer(sublinear_tf=True)
        transformer.idf_ = self.idf
        return transformer.transform(matrix, copy=False)


def stacked(parts: Iterable[csr_matrix]) -> csr_matrix:
    """Return the rows of all parts; the arrays grow in place, so that no second copy is ever held."""
    values, columns, ends, width = np.empty(0, np.float32), np.empty(0, np.int32), [np.zeros(1, np.int64)], 0
    for part in parts:
        filled, width = len(values), part.shape[1]
        for array, more in ((values, part.data), (columns, part.indices)):
            array.resize(filled + len(more), refcheck=False)
            array[filled:] = more
        ends.append(filled + part.indptr[1:].astype(np.int64))
    rows = np.concatenate(ends)
    return csr_matrix((values, columns, rows), shape=(len(rows) - 1, width))


@dataclass(frozen=True)
class Linear:
    """A fitted logistic regression: what is left of it are its weights."""

    weights: np.ndarray  # (features), of the type of the matrix it was fitted on
    bias: float

    @classmethod
    def path(
        cls, matrix: csr_matrix | np.ndarray, labels: np.ndarray, inverse_regularization: Iterable[float]
    ) -> dict[float, "Linear"]:
        """Fit one model for each C, from strong to weak regularization, each starting at the one before.

        The solver's tolerance applies to the mean gradient over the rows, and the more rows there are, the
        less a rare feature adds to that mean: scikit-learn's 1e-4 suits thousands of rows and would stop
        before such features are learned from a million. On millions of sentences, 1e-6 instead of 5e-6 takes
        several times as long and changes the score by less than 0.0001.
        """
        tolerance = min(1e-4, max(1 / len(labels), 5e-6))
        model, found = LogisticRegression(warm_start=True, max_iter=2000, tol=tolerance), {}
        strengths = tqdm(sorted(inverse_regularization), "fit", unit=" strengths", disable=None, leave=False)
        # The solver's vectors are short: threads that wait for one another cost more than they give.
        with threadpool_limits(1):
            for c in strengths:
                model.set_params(C=c).fit(matrix, labels)
                found[c] = cls(model.coef_[0].copy(), float(model.intercept_[0]))
        return found

    def probabilities(self, matrix: csr_matrix | np.ndarray) -> np.ndarray:
        """Return the probability of a spoiler for each row, float64."""
        return expit((matrix @ self.weights).astype(np.float64) + self.bias)
