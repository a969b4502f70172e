"""Make small models on the spot, as complete as those of the training stages."""

from pathlib import Path

import numpy as np
import torch

from spoilers.models.baselines import Baselines
from spoilers.models.folder import FORMAT, Manifest, save
from spoilers.models.network import SpoilerRNN
from spoilers.models.tfidf import Features, Linear
from spoilers.prediction.detector import SpoilerDetector
from spoilers.text.reviews import Reviews
from spoilers.text.vocabulary import SPECIAL, Vocabulary

WORDS = [
    *SPECIAL,
    "dies",
    "the",
    "a",
    "butler",
    "slow",
    "start",
    ".",
    "he",
    "she",
    "i",
    "liked",
    "it",
    "<spoil>",
]
DIES = WORDS.index("dies")


def write_model(folder: Path, name: str = "lstm", **changes: object) -> Path:
    """Write a model with random weights; `changes` affect `model.json` or the text preparation."""
    folder.mkdir(parents=True)
    vocabulary = folder.with_suffix(".words")
    Vocabulary(WORDS).save(vocabulary)
    weights, description = baseline() if name == "baseline" else network(name)
    description |= {key: value for key, value in changes.items() if key in description}
    mask, lowercase = changes.get("mask_spoiler_word", False), changes.get("lowercase", True)
    save(folder, name, weights, description, vocabulary, mask, lowercase)
    return folder


def network(cell: str) -> tuple[dict, dict]:
    """Return weights and description of a network with random weights."""
    torch.manual_seed(5)
    architecture = {
        "vocabulary_size": len(WORDS),
        "cell": cell,
        "embedding_size": 8,
        "hidden_size": 8,
        "layers": 1,
        "bidirectional": True,
        "embedding_dropout": 0.0,
        "state_dropout": 0.0,
        "word_dropout": 0.0,
        "pooling": "max",
        "read_padding": False,
    }
    model = SpoilerRNN(**architecture)
    with torch.no_grad():
        model.embedding.weight[1:].normal_()
    description = {
        "architecture": architecture,
        "threshold": 0.5,
        "temperature": 1.0,
        "sentence_threshold": 0.5,
        "max_tokens": 40,
        "precision": "float32",
    }
    return model.state_dict(), description


def baseline() -> tuple[dict, dict]:
    """Return weights and description of a baseline that finds the word `dies`."""
    features = Features(np.array([DIES]), np.array([1.0]), len(WORDS))
    tfidf, length = Linear(np.array([4.0]), -2.0), Linear(np.array([0.1, 0.1]), -1.0)
    thresholds = {"tfidf": 0.5, "length": 0.5, "majority": 1.0}
    models = Baselines(features, tfidf, length, 0.1, thresholds, 0.5, {})
    return models.weights(), models.description()


class Finder:
    """A mock model: its probability is 0.9 for a sentence with the word `dies`, otherwise 0.1."""

    manifest = Manifest(format=FORMAT, model="lstm", mask_spoiler_word=False, lowercase=True, sha256={})
    vocabulary = Vocabulary(WORDS)
    threshold: float = 0.5
    sentence_threshold: float | None = 0.5
    max_tokens: int = 40

    def probabilities(self, reviews: Reviews) -> tuple[np.ndarray, np.ndarray]:
        ends = np.cumsum(reviews.sentence_lengths)
        found = np.add.reduceat(reviews.ids == DIES, ends - reviews.sentence_lengths) > 0
        sentences = np.where(found, 0.9, 0.1).astype(np.float32)
        starts = reviews.sentence_ends - reviews.sentence_counts
        return np.maximum.reduceat(sentences, starts), sentences


def finder(**changes: object) -> SpoilerDetector:
    """Return a detector around `Finder`, with `changes` to it."""
    model = Finder()
    vars(model).update(changes)
    return SpoilerDetector(model)
