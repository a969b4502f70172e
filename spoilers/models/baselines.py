"""The three simple models, fitted together and kept together."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from spoilers.core.errors import UserError
from spoilers.core.files import read_json, sha256, write_json
from spoilers.core.params import Baseline
from spoilers.metrics.scores import best_known_threshold, best_threshold, ranking_scores
from spoilers.models.tfidf import Features, Linear, length_features, sentences_alone
from spoilers.text.reviews import Reviews

WHOLE = 2**31  # tokens: no review is cut
KEPT = ("prevalence", "thresholds", "sentence_threshold", "training")  # in model.json, as they are


@dataclass(frozen=True)
class Baselines:
    features: Features
    tfidf: Linear
    length: Linear
    prevalence: float
    thresholds: dict[str, float]
    sentence_threshold: float | None  # of the first model, on sentences alone
    training: dict  # what was chosen, and how it scored on validation

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


def save(models: Baselines, folder: Path, vocabulary: Path) -> None:
    """Write `model.safetensors` and `model.json`."""
    save_file(
        {
            "codes": models.features.codes,
            "idf": models.features.idf,
            "tfidf": models.tfidf.weights,
            "length": models.length.weights,
        },
        folder / "model.safetensors",
    )
    settings = {
        "vocabulary_size": models.features.vocabulary_size,
        "vocabulary_sha256": sha256(vocabulary),
        "bias": {"tfidf": models.tfidf.bias, "length": models.length.bias},
        **{name: getattr(models, name) for name in KEPT},
    }
    write_json(folder / "model.json", settings)


def load(folder: Path, vocabulary: Path | None = None) -> Baselines:
    """Read what `save` wrote.

    Raises:
        UserError: a file is missing or damaged, or the vocabulary is another one.
    """
    try:
        settings = read_json(folder / "model.json")
        arrays = load_file(folder / "model.safetensors")
        features = Features(arrays["codes"], arrays["idf"], settings["vocabulary_size"])
        linear = {name: Linear(arrays[name], settings["bias"][name]) for name in ("tfidf", "length")}
        models = Baselines(
            features,
            **linear,
            **{name: settings[name] for name in KEPT},
        )
    except FileNotFoundError as error:
        raise UserError(f"{error.filename or folder}: is missing; train with `dvc repro`") from error
    except (ValueError, KeyError, SafetensorError) as error:
        raise UserError(f"{folder}: is damaged or of another version ({error}); train again") from error
    if vocabulary and sha256(vocabulary) != settings["vocabulary_sha256"]:
        raise UserError(f"{folder}: was trained with another vocabulary than {vocabulary}; train again")
    return models
