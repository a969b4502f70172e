"""The mistakes that a network was surest of, sentence by sentence."""

import numpy as np
import pyarrow as pa

from spoilers.metrics.evaluation import Evaluation
from spoilers.studies.comparison import Network
from spoilers.studies.reading import read, sentences_of

KINDS = ("false alarm", "missed spoiler")
COUNT = 10  # mistakes of each kind


def surest_of_all(
    evaluation: Evaluation, networks: dict[str, Network], test: pa.Table, words: list[str] | None
) -> list[dict]:
    """Return the surest mistakes of each network's first training, with the ids of reviews and books.

    With the vocabulary's `words`, the sentences include their text.
    """
    found = []
    for name, network in networks.items():
        p, threshold = evaluation.probabilities[name][0], evaluation.thresholds[name][0]
        for kind, row in surest(evaluation.labels, p, threshold):
            review = network.test.choose(np.array([row]))
            sentences = [
                sentence | {"probability": probability}
                for sentence, probability in zip(
                    sentences_of(review, words), read(network.model, review), strict=True
                )
            ]
            found.append(
                {
                    "model": name,
                    "kind": kind,
                    **{key: test[key][row].as_py() for key in ("review_id", "book_id")},
                    "probability": round(float(p[row]), 4),
                    "threshold": round(float(threshold), 4),
                    "sentences": sentences,
                }
            )
    return found


def surest(labels: np.ndarray, probabilities: np.ndarray, threshold: float) -> list[tuple[str, int]]:
    """Return the kind and row of the wrong decisions furthest from the threshold, surest first."""
    called = probabilities >= threshold
    order = np.argsort(probabilities, kind="stable")
    false_alarms = order[(called & (labels == 0))[order]][::-1]
    missed = order[(~called & (labels > 0))[order]]
    both = zip(KINDS, (false_alarms, missed), strict=True)
    return [(kind, int(row)) for kind, rows in both for row in rows[:COUNT]]
