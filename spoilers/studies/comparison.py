"""The comparison of all models on the same test reviews."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
from scipy.special import expit, logit

from spoilers.metrics.evaluation import Evaluation, mean_scores, rounded, sentence_scores
from spoilers.metrics.intervals import Resamples
from spoilers.metrics.scores import calibration_error
from spoilers.models.baselines import Baselines
from spoilers.models.folder import load as load_model
from spoilers.models.network import SpoilerRNN
from spoilers.studies.cost import cost_of_network, cost_of_tfidf
from spoilers.studies.slices import test_size
from spoilers.text.reviews import Reviews, load

CLASSES = ("no spoiler", "spoiler")
CONFUSION_ROWS = 5000  # the most that the template of `dvc plots` can show
DETAILS = (
    "average_precision", "roc_auc", "accuracy", "precision", "recall", "f1", "brier", "log_loss",
    "calibration_error",
)  # fmt: skip

read_test = lru_cache(1)(load)  # the same for all trainings


@dataclass(frozen=True)
class Training:
    """One training's predictions for the test reviews."""

    description: dict  # its model.json
    probabilities: np.ndarray  # float32 (reviews)
    sentences: dict[str, float]  # `sentence_scores`
    error_before: float  # calibration error without the temperature


@dataclass(frozen=True)
class Network:
    """A network: the model of its first training, with `seed`, and all its trainings by seed."""

    model: SpoilerRNN
    test: Reviews  # as the network reads them
    trainings: dict[int, Training]
    speed: int  # tokens scored per second

    @property
    def device(self) -> str:
        """Return the kind of device the model is on."""
        return next(self.model.parameters()).device.type

    @property
    def flagged(self) -> np.ndarray:
        """Return whether the network reads a flagged sentence of each review, bool (reviews)."""
        flags = np.nan_to_num(self.test.sentence_labels)
        return np.bincount(self.test.review_of_sentence, flags, len(self.test)) > 0


def folders_of(cells: tuple[str, ...], models: Path, seeds: Path, seed: int) -> dict[str, dict[int, Path]]:
    """Return the folders of each network's trainings by seed, the training with `seed` first.

    Only seeds common to all networks are included, as differences are paired by seed.
    """
    further = [{int(folder.name) for folder in (seeds / cell).glob("[0-9]*")} for cell in cells]
    others = sorted(set.intersection(*further) - {seed})
    return {
        cell: {seed: models / cell, **{other: seeds / cell / str(other) for other in others}}
        for cell in cells
    }


def run_network(folders: Mapping[int, Path], vocabulary: Path, test: Path, device_name: str) -> Network:
    """Load a network's trainings, one after the other, and score the test reviews with each.

    Raises:
        UserError: a folder does not hold a valid model, or has another vocabulary.
    """
    trainings, first, speed = {}, None, 0
    for seed, folder in folders.items():
        loaded = load_model(folder, device_name, vocabulary)
        reviews = read_test(test, loaded.max_tokens)
        started = time.monotonic()
        of_reviews, of_sentences = loaded.probabilities(reviews)
        speed = speed or round(len(reviews.ids) / (time.monotonic() - started))
        first = first or loaded.network
        before = without_temperature(of_reviews, loaded.description.get("temperature", 1.0))
        trainings[seed] = Training(
            loaded.description,
            of_reviews,
            sentence_scores(
                reviews.sentence_labels, of_sentences, reviews.review_of_sentence, loaded.sentence_threshold
            ),
            calibration_error(reviews.labels, before),
        )
    return Network(first, reviews, trainings, speed)


def without_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Return the probabilities as they were before their logits were divided by the temperature."""
    if temperature == 1:
        return probabilities
    limited = np.clip(probabilities.astype(np.float64), 1e-12, 1 - 1e-12)
    return expit(temperature * logit(limited))


def evaluate(
    networks: dict[str, Network],
    simple: dict[str, np.ndarray],
    thresholds: dict[str, float],
    resamples: Resamples,
    confidence: float,
    seed: int,
) -> Evaluation:
    """Return the evaluation of the networks' trainings and, by name, of the simple models."""
    trainings = {name: network.trainings.values() for name, network in networks.items()}
    return Evaluation(
        next(iter(networks.values())).test.labels,
        resamples,
        {name: [one.probabilities for one in all_of] for name, all_of in trainings.items()}
        | {name: [p] for name, p in simple.items()},
        {name: [one.description["threshold"] for one in all_of] for name, all_of in trainings.items()}
        | {name: [thresholds[name]] for name in simple},
        confidence,
        seed,
    )


def compare(
    evaluation: Evaluation, networks: dict[str, Network], simple: Baselines, test: pa.Table, models: Path
) -> dict:
    """Return the comparison of the models: scores, differences, sizes and calibration."""
    scores = {name: evaluation.scores(name) for name in evaluation.probabilities}
    for name, network in networks.items():
        before = [training.error_before for training in network.trainings.values()]
        scores[name]["calibration_error_before"] = round(float(np.mean(before)), 4)
    return {
        "test": test_size(test),
        "networks": list(networks),
        "models": scores,
        "trainings": {name: of_trainings(evaluation, name, network) for name, network in networks.items()},
        "pairs": evaluation.pairs(),
        "sentences": of_sentences(networks, simple),
        "cost": {
            **{name: cost_of_network(models / name, network.device) for name, network in networks.items()},
            "tfidf": cost_of_tfidf(models / "baseline"),
        },
        "calibration": {name: evaluation.calibration(name) for name in (*networks, "tfidf")},
    }


def of_trainings(evaluation: Evaluation, name: str, network: Network) -> list[dict]:
    """Return the scores of each of a network's trainings, with its seed."""
    return [
        {
            "seed": seed,
            **rounded({key: scores[key] for key in DETAILS}),
            "calibration_error_before": round(training.error_before, 4),
            "temperature": training.description.get("temperature", 1.0),
        }
        for (seed, training), scores in zip(
            network.trainings.items(), evaluation.trainings[name], strict=True
        )
    ]


def of_sentences(networks: dict[str, Network], simple: Baselines) -> dict[str, dict[str, float]]:
    """Return the scores on single sentences, for networks as means over their trainings.

    TF-IDF is scored on the same sentences: those that the first network reads.
    """
    test = next(iter(networks.values())).test
    tfidf = sentence_scores(
        test.sentence_labels,
        simple.sentence_probabilities(test),
        test.review_of_sentence,
        simple.sentence_threshold,
    )
    if not tfidf:
        return {}
    found = {}
    for name, network in networks.items():
        scores = [training.sentences for training in network.trainings.values()]
        spread = np.std([one["pooled_auc"] for one in scores], ddof=1) if len(scores) > 1 else 0.0
        found[name] = mean_scores(scores) | {"pooled_auc_sd": float(spread)}
    found["tfidf_sentences" if simple.tfidf_sentences else "tfidf"] = tfidf
    return {name: rounded(scores) | {"reviews": int(scores["reviews"])} for name, scores in found.items()}


def predictions(test: pa.Table, probabilities: dict[str, list[np.ndarray]]) -> pa.Table:
    """Return the test reviews' ids and labels with the probabilities of each model's first training."""
    table = test.select(["review_id", "book_id", "label"])
    for name, (first, *_) in probabilities.items():
        table = table.append_column(name, [first.astype(np.float32)])
    return table


def curves(evaluation: Evaluation, networks: list[str]) -> dict[str, list[dict]]:
    """Return the tables that `dvc plots` and the figures draw, by file name."""
    found = {}
    for name in (*networks, "tfidf", "length"):
        found[f"precision_recall_{name}"], found[f"roc_{name}"] = evaluation.curves(name)
        found[f"threshold_{name}"] = evaluation.by_threshold(name)
    for name in networks:
        called = evaluation.probabilities[name][0] >= evaluation.thresholds[name][0]
        step = -(-len(called) // CONFUSION_ROWS)
        found[f"confusion_{name}"] = decisions(evaluation.labels[::step], called[::step])
    return found


def decisions(labels: np.ndarray, called: np.ndarray) -> list[dict]:
    """Return the actual and the predicted class of each review, as rows of a table."""
    pairs = zip(labels, called, strict=True)
    return [{"actual": CLASSES[int(actual)], "predicted": CLASSES[int(found)]} for actual, found in pairs]
