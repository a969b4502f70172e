"""TF-IDF of words and word pairs with logistic regression, built from ids without going back to text.

A feature is a number: `id` for a word, `(id + 1) * V + next id` for two neighbours, where V is the
size of the vocabulary. Unknown words are no features.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from spoilers.text.reviews import Reviews
from spoilers.text.vocabulary import UNKNOWN


@dataclass(frozen=True)
class Features:
    """The words and pairs that are counted, and how much each weighs."""

    codes: np.ndarray  # int64 (features), ascending
    idf: np.ndarray  # float64 (features)
    vocabulary_size: int

    @classmethod
    def of(cls, reviews: Reviews, vocabulary_size: int, min_count: int, max_features: int) -> "Features":
        """The most frequent features, by the number of reviews that have them, at least `min_count`."""
        row, code = codes_of(reviews, vocabulary_size)
        # Each pair (review, feature) once, as one number: review numbers fit above the codes in 64 bits.
        above = (vocabulary_size + 1) * vocabulary_size
        codes, frequency = np.unique(np.unique(row * above + code) % above, return_counts=True)
        enough = np.flatnonzero(frequency >= min_count)
        chosen = np.sort(enough[np.argsort(-frequency[enough], kind="stable")[:max_features]])
        idf = np.log((1 + len(reviews)) / (1 + frequency[chosen])) + 1
        return cls(codes[chosen], idf, vocabulary_size)

    def matrix(self, reviews: Reviews) -> csr_matrix:
        """TF-IDF with 1 + log(count), each row of length 1: (reviews, features)."""
        row, code = codes_of(reviews, self.vocabulary_size)
        column = np.minimum(np.searchsorted(self.codes, code), len(self.codes) - 1)
        known = self.codes[column] == code
        entries = (np.ones(known.sum()), (row[known], column[known]))
        counts = csr_matrix(entries, shape=(len(reviews), len(self.codes)))
        transformer = TfidfTransformer(sublinear_tf=True)
        transformer.idf_ = self.idf
        return transformer.transform(counts)


def codes_of(reviews: Reviews, vocabulary_size: int) -> tuple[np.ndarray, np.ndarray]:
    """(review, feature) of every word and every two neighbours of one review: two int64 arrays."""
    ids = reviews.ids.astype(np.int64)
    review = np.repeat(np.arange(len(reviews)), reviews.lengths)
    known = ids != UNKNOWN
    pair = known[:-1] & known[1:] & (review[:-1] == review[1:])
    pairs = ((ids[:-1] + 1) * vocabulary_size + ids[1:])[pair]
    return np.concatenate([review[known], review[:-1][pair]]), np.concatenate([ids[known], pairs])


@dataclass(frozen=True)
class Linear:
    """A fitted logistic regression: what is left of it are its weights."""

    weights: np.ndarray  # float64 (features)
    bias: float

    @classmethod
    def fit(
        cls, matrix: csr_matrix | np.ndarray, labels: np.ndarray, inverse_regularization: float
    ) -> "Linear":
        # The solver's vectors are short: threads that wait for one another cost more than they give.
        with threadpool_limits(1):
            model = LogisticRegression(C=inverse_regularization, max_iter=2000).fit(matrix, labels)
        return cls(model.coef_[0], float(model.intercept_[0]))

    def probabilities(self, matrix: csr_matrix | np.ndarray) -> np.ndarray:
        """Probability of a spoiler for each row, float64."""
        return 1 / (1 + np.exp(-(matrix @ self.weights + self.bias)))


def length_features(reviews: Reviews) -> np.ndarray:
    """log(1 + tokens) and log(1 + sentences): (reviews, 2)."""
    return np.log1p(np.stack([reviews.lengths, reviews.sentence_counts], axis=1))


def sentences_alone(reviews: Reviews) -> Reviews:
    """Each sentence as a review of its own."""
    count = len(reviews.sentence_lengths)
    return replace(
        reviews,
        token_ends=np.cumsum(reviews.sentence_lengths, dtype=np.int64),
        sentence_ends=np.arange(1, count + 1),
        labels=reviews.sentence_labels,
        sentence_positions=np.zeros(count, np.int32),
    )
