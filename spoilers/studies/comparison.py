"""The comparison of all models on the same test reviews."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from spoilers.metrics.evaluation import Evaluation, sentence_scores
from spoilers.models.folder import load as load_model
from spoilers.models.network import SpoilerRNN
from spoilers.models.scoring import Logits, score
from spoilers.studies.cost import cost_of_network, cost_of_tfidf
from spoilers.studies.slices import test_size
from spoilers.text.reviews import Reviews, load

CLASSES = ("no spoiler", "spoiler")
CONFUSION_ROWS = 5000  # as many as the template of `dvc plots` can show


@dataclass(frozen=True)
class Network:
    """A trained network, and what it says of the test reviews."""

    model: SpoilerRNN
    description: dict  # its model.json
    test: Reviews  # as it reads them
    logits: Logits
    seconds: float

    @property
    def device(self) -> str:
        """The kind of device that it is on."""
        return next(self.model.parameters()).device.type

    @property
    def flagged(self) -> np.ndarray:
        """Whether the network reads a sentence that is flagged as a spoiler, bool (reviews)."""
        flags = np.nan_to_num(self.test.sentence_labels)
        return np.bincount(self.test.review_of_sentence, flags, len(self.test)) > 0

    @property
    def speed(self) -> int:
        """Tokens scored per second."""
        return round(len(self.test.ids) / self.seconds)


def run_network(folder: Path, vocabulary: Path, test: Path, device_name: str) -> Network:
    """Load a trained network and score the test reviews with it.

    Raises:
        UserError: the folder's files do not make a model, or it belongs to another vocabulary.
    """
    loaded = load_model(folder, device_name, vocabulary)
    reviews = load(test, loaded.max_tokens)
    started = time.monotonic()
    logits = score(loaded.network, reviews, loaded.device, loaded.precision)
    return Network(loaded.network, loaded.description, reviews, logits, time.monotonic() - started)


def compare(evaluation: Evaluation, networks: dict[str, Network], test: pa.Table, models: Path) -> dict:
    """Return what is told of the models side by side: scores, differences, sizes and calibration."""
    sentences = {
        name: sentence_scores(
            network.test.sentence_labels, network.logits.sentences, network.test.review_of_sentence
        )
        for name, network in networks.items()
    }
    return {
        "test": test_size(test),
        "networks": list(networks),
        "models": {
            name: {**evaluation.scores(name), **evaluation.details(name)} for name in evaluation.called
        },
        "pairs": evaluation.pairs(),
        "sentences": {name: found for name, found in sentences.items() if found},
        "cost": {
            **{name: cost_of_network(models / name, network.device) for name, network in networks.items()},
            "tfidf": cost_of_tfidf(models / "baseline"),
        },
        "calibration": {name: evaluation.calibration(name) for name in (*networks, "tfidf")},
    }


def predictions(test: pa.Table, probabilities: dict[str, np.ndarray]) -> pa.Table:
    """Return the test reviews' ids and labels, and each model's probabilities beside them."""
    table = test.select(["review_id", "book_id", "label"])
    for name, values in probabilities.items():
        table = table.append_column(name, [values.astype(np.float32)])
    return table


def curves(evaluation: Evaluation, networks: list[str]) -> dict[str, list[dict]]:
    """Return the tables that `dvc plots` and the figures draw, by their files' names."""
    found = {}
    for name in (*networks, "tfidf", "length"):
        found[f"precision_recall_{name}"], found[f"roc_{name}"] = evaluation.curves(name)
    for name in networks:
        rows = decisions(evaluation.labels, evaluation.called[name])
        found[f"confusion_{name}"] = rows[:CONFUSION_ROWS]
    return found


def decisions(labels: np.ndarray, called: np.ndarray) -> list[dict]:
    """Return the actual and the predicted class of each review, as rows of a table."""
    pairs = zip(labels, called, strict=True)
    return [{"actual": CLASSES[int(actual)], "predicted": CLASSES[int(found)]} for actual, found in pairs]
