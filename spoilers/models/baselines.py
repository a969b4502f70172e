"""The simple models, fitted together and kept together: TF-IDF, the length of the review, the majority."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix

from spoilers.core.parallel import ordered_map
from spoilers.core.params import Baseline
from spoilers.metrics.scores import average_precision, best_known_threshold, best_threshold
from spoilers.models.tfidf import Features, Linear, blocks, length_features, sentences_alone, stacked
from spoilers.text.reviews import ReviewFile, Reviews

WHOLE = 2**31  # tokens: no review is cut
KEPT = ("prevalence", "thresholds", "sentence_threshold", "training")  # saved as they are
LINEAR = ("tfidf", "tfidf_sentences", "length")  # the models of which weights are kept

Source = Reviews | ReviewFile  # in memory, or on disk and read block by block


@dataclass(frozen=True)
class Baselines:
    features: Features
    tfidf: Linear  # trained on reviews
    length: Linear
    prevalence: float
    thresholds: dict[str, float]
    sentence_threshold: float | None  # of `sentence_probabilities`
    training: dict  # what was chosen, and how it scored on validation
    tfidf_sentences: Linear | None = None  # trained on sentences; None where they have no labels

    @classmethod
    def of(cls, weights: dict[str, np.ndarray], description: dict) -> "Baselines":
        """Return the models whose `weights` and `description` these are.

        Raises:
            ValueError: the arrays do not belong together.
        """
        features = Features(weights["codes"], weights["idf"], description["vocabulary_size"])
        sizes = {"length": (2,)}
        for name in ("idf", *description["bias"]):
            if weights[name].shape != sizes.get(name, features.codes.shape):
                raise ValueError("the weights' sizes do not belong together")
        linear = {name: Linear(weights[name], bias) for name, bias in description["bias"].items()}
        return cls(features, **linear, **{name: description[name] for name in KEPT})

    def linear(self) -> dict[str, Linear]:
        """Return the models that have weights."""
        return {name: model for name in LINEAR if (model := getattr(self, name))}

    def weights(self) -> dict[str, np.ndarray]:
        """Return what is saved of the models as arrays."""
        arrays = {"codes": self.features.codes, "idf": self.features.idf}
        return arrays | {name: model.weights for name, model in self.linear().items()}

    def description(self) -> dict:
        """Return what is saved of the models beside the arrays."""
        return {
            "vocabulary_size": self.features.vocabulary_size,
            "bias": {name: model.bias for name, model in self.linear().items()},
            **{name: getattr(self, name) for name in KEPT},
        }

    def probabilities(self, source: Source, workers: int = 1) -> dict[str, np.ndarray]:
        """Return each model's probabilities of a spoiler, float64 (reviews).

        That of `tfidf_sentences` is the largest over the review's sentences; it is left out where there is
        no such model.
        """

        def score(block: Reviews) -> dict[str, np.ndarray]:
            found = {"tfidf": self.tfidf.probabilities(self.features.matrix(block))}
            if self.tfidf_sentences:
                found["tfidf_sentences"] = largest(block, self.of_sentences(block))
            found["length"] = self.length.probabilities(length_features(block))
            return found | {"majority": np.full(len(block), self.prevalence)}

        return over(score, source, "score", workers)

    def sentence_probabilities(self, source: Source, workers: int = 1) -> np.ndarray:
        """Return each sentence's probability of a spoiler, float64 (sentences).

        Where sentences have no labels, it is that of TF-IDF on a review of this sentence alone.
        """
        score = lambda block: {"sentences": self.of_sentences(block)}  # noqa: E731
        return over(score, source, "score sentences", workers)["sentences"]

    def of_sentences(self, block: Reviews) -> np.ndarray:
        model = self.tfidf_sentences or self.tfidf
        return model.probabilities(self.features.matrix(sentences_alone(block)))


Arrays = dict[str | float, np.ndarray]


def over(function: Callable[[Reviews], Arrays], source: Source, what: str, workers: int) -> Arrays:
    """Call the function on each block and concatenate each of the arrays that it returns."""
    parts = list(ordered_map(function, blocks(source, what), workers))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def largest(reviews: Reviews, of_sentences: np.ndarray) -> np.ndarray:
    """Return the maximum over each review's sentences, (reviews)."""
    return np.maximum.reduceat(of_sentences, reviews.sentence_ends - reviews.sentence_counts)


def facts(reviews: Reviews) -> Arrays:
    """Return what of the reviews is small enough to hold for all of them."""
    return {
        "labels": reviews.labels,
        "sentence_labels": reviews.sentence_labels,
        "lengths": length_features(reviews),
    }


def fit(
    train: Source, validation: Source, vocabulary_size: int, settings: Baseline, workers: int = 1
) -> Baselines:
    """Fit all models; regularization and thresholds are chosen on validation.

    Reads both sources several times. Held in memory at a time are the counts of the features or one
    matrix of TF-IDF (8 bytes an entry), and a few blocks of reviews.
    """
    known, asked = (over(facts, source, "read", workers) for source in (train, validation))
    features = Features.of(train, vocabulary_size, settings.min_count, settings.max_features, workers)

    def choose(by_sentence: bool) -> tuple[Linear, dict]:
        candidates = fit_path(features, train, by_sentence, settings.inverse_regularization, workers)
        return best(features, validation, by_sentence, candidates, asked["labels"], workers)

    tfidf, training = choose(by_sentence=False)
    training["features"] = len(features.codes)
    tfidf_sentences = None
    if {0, 1} <= set(np.unique(known["sentence_labels"])):  # NaN where there is none
        tfidf_sentences, training["tfidf_sentences"] = choose(by_sentence=True)
    length = Linear.path(known["lengths"], known["labels"], [1.0])[1.0]
    prevalence = float(known["labels"].mean())
    models = Baselines(features, tfidf, length, prevalence, {}, None, training, tfidf_sentences)
    return with_thresholds(models, validation, asked, workers)


def fit_path(
    features: Features, train: Source, by_sentence: bool, strengths: Iterable[float], workers: int
) -> dict[float, Linear]:
    """Fit TF-IDF at each strength, on reviews or on those single sentences that have a label."""

    def weigh(block: Reviews) -> tuple[csr_matrix, np.ndarray]:
        if by_sentence:
            block = sentences_alone(block)
            block = block.choose(np.flatnonzero(~np.isnan(block.labels)))
        return features.matrix(block), block.labels

    labels = []

    def matrices() -> Iterator[csr_matrix]:
        for matrix, of_rows in ordered_map(weigh, blocks(train, "weigh features"), workers):
            labels.append(of_rows)
            yield matrix

    return Linear.path(stacked(matrices()), np.concatenate(labels), strengths)


def best(
    features: Features,
    validation: Source,
    by_sentence: bool,
    candidates: dict[float, Linear],
    labels: np.ndarray,
    workers: int,
) -> tuple[Linear, dict]:
    """Return the candidate with the best average precision on the reviews, and what is told of the choice."""

    def score(block: Reviews) -> Arrays:
        matrix = features.matrix(sentences_alone(block) if by_sentence else block)
        found = {c: model.probabilities(matrix) for c, model in candidates.items()}
        return {c: largest(block, p) for c, p in found.items()} if by_sentence else found

    found = over(score, validation, "choose", workers)
    precision = {c: average_precision(labels, found[c]) for c in candidates}
    chosen = max(precision, key=lambda c: precision[c])
    told = {"inverse_regularization": chosen, "validation_average_precision": precision[chosen]}
    return candidates[chosen], told


def with_thresholds(models: Baselines, validation: Source, asked: Arrays, workers: int) -> Baselines:
    """Return the models with the thresholds of the best F1 on validation, for reviews and for sentences."""
    sentences = models.sentence_probabilities(validation, workers)
    found = models.probabilities(validation, workers)
    thresholds = {name: best_threshold(asked["labels"], p) for name, p in found.items()}
    thresholds["majority"] = 1.0  # the majority class: never a spoiler, whatever the F1
    of_sentences = best_known_threshold(asked["sentence_labels"], sentences)
    return replace(models, thresholds=thresholds, sentence_threshold=of_sentences)
