"""The simple models, fitted together and kept together: TF-IDF, the length of the review, the majority."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from scipy.sparse import csr_matrix

from spoilers.core.errors import UserError
from spoilers.core.files import read_json, sha256, write_json
from spoilers.core.parallel import in_order
from spoilers.core.params import Baseline
from spoilers.metrics.scores import average_precision, best_known_threshold, best_threshold
from spoilers.models.tfidf import Features, Linear, blocks, length_features, sentences_alone, stacked
from spoilers.text.reviews import ReviewFile, Reviews

WHOLE = 2**31  # tokens: no review is cut
KEPT = ("prevalence", "thresholds", "sentence_threshold", "training")  # in model.json, as they are
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
    parts = list(in_order(function, blocks(source, what), workers))
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
        for matrix, of_rows in in_order(weigh, blocks(train, "weigh features"), workers):
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


def save(models: Baselines, folder: Path, vocabulary: Path) -> None:
    """Write `model.safetensors` and `model.json`."""
    linear = {name: model for name in LINEAR if (model := getattr(models, name))}
    arrays = {"codes": models.features.codes, "idf": models.features.idf}
    arrays |= {name: model.weights for name, model in linear.items()}
    save_file(arrays, folder / "model.safetensors")
    settings = {
        "vocabulary_size": models.features.vocabulary_size,
        "vocabulary_sha256": sha256(vocabulary),
        "bias": {name: model.bias for name, model in linear.items()},
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
        linear = {name: Linear(arrays[name], bias) for name, bias in settings["bias"].items()}
        models = Baselines(features, **linear, **{name: settings[name] for name in KEPT})
    except FileNotFoundError as error:
        raise UserError(f"{error.filename or folder}: is missing; train with `dvc repro`") from error
    except (ValueError, KeyError, SafetensorError) as error:
        raise UserError(f"{folder}: is damaged or of another version ({error}); train again") from error
    if vocabulary and sha256(vocabulary) != settings["vocabulary_sha256"]:
        raise UserError(f"{folder}: was trained with another vocabulary than {vocabulary}; train again")
    return models
