"""The three simple models, fitted together and kept together."""

from dataclasses import dataclass, replace

import numpy as np

from spoilers.core.params import Baseline
from spoilers.metrics.scores import best_known_threshold, best_threshold, ranking_scores
from spoilers.models.tfidf import Features, Linear, length_features, sentences_alone
from spoilers.text.reviews import Reviews

WHOLE = 2**31  # tokens: no review is cut
KEPT = ("prevalence", "thresholds", "sentence_threshold", "training")  # saved as they are


@dataclass(frozen=True)
class Baselines:
    features: Features
    tfidf: Linear
    length: Linear
    prevalence: float
    thresholds: dict[str, float]
    sentence_threshold: float | None  # of the first model, on sentences alone
    training: dict  # what was chosen, and how it scored on validation

    @classmethod
    def of(cls, weights: dict[str, np.ndarray], description: dict) -> "Baselines":
        """Return the models whose `weights` and `description` these are.

        Raises:
            ValueError: the arrays do not belong together.
        """
        codes, idf, tfidf, length = (weights[name] for name in ("codes", "idf", "tfidf", "length"))
        if not codes.shape == idf.shape == tfidf.shape or codes.ndim != 1 or length.shape != (2,):
            raise ValueError("the weights' sizes do not belong together")
        bias = description["bias"]
        return cls(
            Features(codes, idf, description["vocabulary_size"]),
            Linear(tfidf, bias["tfidf"]),
            Linear(length, bias["length"]),
            **{name: description[name] for name in KEPT},
        )

    def weights(self) -> dict[str, np.ndarray]:
        """Return what is saved of the models as arrays."""
        return {
            "codes": self.features.codes,
            "idf": self.features.idf,
            "tfidf": self.tfidf.weights,
            "length": self.length.weights,
        }

    def description(self) -> dict:
        """Return what is saved of the models beside the arrays."""
        return {
            "vocabulary_size": self.features.vocabulary_size,
            "bias": {"tfidf": self.tfidf.bias, "length": self.length.bias},
            **{name: getattr(self, name) for name in KEPT},
        }

    def probabilities(self, reviews: Reviews) -> dict[str, np.ndarray]:
        """Each model's probabilities of a spoiler, float64 (reviews)."""
        return {
            "tfidf": self.tfidf.probabilities(self.features.matrix(reviews)),
            "length": self.length.probabilities(length_features(reviews)),
            "majority": np.full(len(reviews), self.prevalence),
        }

    def sentence_probabilities(self, reviews: Reviews) -> np.ndarray:
        """Those of TF-IDF, which reads each sentence as if it were a review, float64 (sentences)."""
        return self.tfidf.probabilities(self.features.matrix(sentences_alone(reviews)))


def fit(train: Reviews, validation: Reviews, vocabulary_size: int, settings: Baseline) -> Baselines:
    """Fit all three; the regularization of the first is chosen by average precision on validation."""
    features = Features.of(train, vocabulary_size, settings.min_count, settings.max_features)
    x_train, x_validation = features.matrix(train), features.matrix(validation)
    candidates = {c: Linear.fit(x_train, train.labels, c) for c in settings.inverse_regularization}
    precision = {
        c: ranking_scores(validation.labels, model.probabilities(x_validation))["average_precision"]
        for c, model in candidates.items()
    }
    chosen = max(precision, key=lambda c: precision[c])
    length = Linear.fit(length_features(train), train.labels, 1.0)
    training = {
        "inverse_regularization": chosen,
        "features": len(features.codes),
        "validation_average_precision": precision[chosen],
    }
    models = Baselines(features, candidates[chosen], length, float(train.labels.mean()), {}, None, training)
    sentences = models.sentence_probabilities(validation)
    threshold = best_known_threshold(validation.sentence_labels, sentences)
    models = replace(models, sentence_threshold=threshold)
    for name, probabilities in models.probabilities(validation).items():
        models.thresholds[name] = best_threshold(validation.labels, probabilities)
    models.thresholds["majority"] = 1.0  # the majority class: never a spoiler, whatever the F1
    return models
