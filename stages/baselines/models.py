"""The three simple models, fitted together and kept together."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from stages.baselines.tfidf import Features, Linear, length_features
from stages.errors import UserError
from stages.files import read_json, sha256, write_json
from stages.params import Baseline
from stages.results.scores import best_threshold, ranking_scores
from stages.rnn.reviews import Reviews

WHOLE = 2**31  # tokens: no review is cut


@dataclass(frozen=True)
class Baselines:
    features: Features
    tfidf: Linear
    length: Linear
    prevalence: float
    thresholds: dict[str, float]

    def probabilities(self, reviews: Reviews) -> dict[str, np.ndarray]:
        """Each model's probabilities of a spoiler, float64 (reviews)."""
        return {
            "tfidf": self.tfidf.probabilities(self.features.matrix(reviews)),
            "length": self.length.probabilities(length_features(reviews)),
            "majority": np.full(len(reviews), self.prevalence),
        }


def fit(
    train: Reviews, validation: Reviews, vocabulary_size: int, settings: Baseline
) -> tuple[Baselines, dict]:
    """Fit all three; the regularization of the first is chosen by average precision on validation."""
    features = Features.of(train, vocabulary_size, settings.min_count, settings.max_features)
    x_train, x_validation = features.matrix(train), features.matrix(validation)
    candidates = {c: Linear.fit(x_train, train.labels, c) for c in settings.inverse_regularization}
    scores = {
        c: ranking_scores(validation.labels, model.probabilities(x_validation))
        for c, model in candidates.items()
    }
    best = max(scores, key=lambda c: scores[c]["average_precision"])
    length = Linear.fit(length_features(train), train.labels, 1.0)
    models = Baselines(features, candidates[best], length, float(train.labels.mean()), {})
    thresholds = {
        name: best_threshold(validation.labels, p) for name, p in models.probabilities(validation).items()
    }
    # The majority class is never a spoiler, whatever maximises F1.
    thresholds["majority"] = 1.0
    metrics = {
        "validation": scores[best],
        "inverse_regularization": best,
        "features": len(features.codes),
    }
    return Baselines(features, candidates[best], length, models.prevalence, thresholds), metrics


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
        "prevalence": models.prevalence,
        "bias": {"tfidf": models.tfidf.bias, "length": models.length.bias},
        "thresholds": models.thresholds,
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
            features, **linear, prevalence=settings["prevalence"], thresholds=settings["thresholds"]
        )
    except FileNotFoundError as error:
        raise UserError(f"{error.filename or folder}: is missing; train with `dvc repro`") from error
    except (ValueError, KeyError, SafetensorError) as error:
        raise UserError(f"{folder}: is damaged or of another version ({error}); train again") from error
    if vocabulary and sha256(vocabulary) != settings["vocabulary_sha256"]:
        raise UserError(f"{folder}: was trained with another vocabulary than {vocabulary}; train again")
    return models
