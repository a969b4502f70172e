"""Models small enough to be made on the spot, complete as the training stages leave them."""

from pathlib import Path

import numpy as np
import torch

from spoilers.models import storage
from spoilers.models.baselines import Baselines
from spoilers.models.baselines import save as save_baselines
from spoilers.models.network import SpoilerRNN
from spoilers.models.tfidf import Features, Linear
from spoilers.prediction.detector import SpoilerDetector
from spoilers.prediction.folder import FORMAT, Manifest, complete
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
    """A model of random weights; `changes` are of what `model.json` says, or of how text is prepared."""
    folder.mkdir(parents=True)
    vocabulary = folder.with_suffix(".words")
    Vocabulary(WORDS).save(vocabulary)
    if name == "baseline":
        write_baseline(folder, vocabulary)
    else:
        write_network(folder, name, vocabulary, changes)
    mask, lowercase = changes.get("mask_spoiler_word", False), changes.get("lowercase", True)
    complete(folder, name, vocabulary, mask, lowercase)
    return folder


def write_network(folder: Path, name: str, vocabulary: Path, changes: dict) -> None:
    torch.manual_seed(5)
    arguments = {"vocabulary_size": len(WORDS), "cell": name, "embedding_size": 8, "hidden_size": 8}
    model = SpoilerRNN(**arguments)
    with torch.no_grad():
        model.embedding.weight[1:].normal_()
    description = {
        "architecture": arguments,
        "vocabulary_sha256": storage.sha256(vocabulary),
        "threshold": 0.5,
        "sentence_threshold": 0.5,
        "max_tokens": 40,
        "precision": "float32",
    }
    known = {key: value for key, value in changes.items() if key in description}
    storage.save(folder, model.state_dict(), description | known)


def write_baseline(folder: Path, vocabulary: Path) -> None:
    """It finds the word `dies`."""
    features = Features(np.array([DIES]), np.array([1.0]), len(WORDS))
    tfidf, length = Linear(np.array([4.0]), -2.0), Linear(np.array([0.1, 0.1]), -1.0)
    thresholds = {"tfidf": 0.5, "length": 0.5, "majority": 1.0}
    save_baselines(Baselines(features, tfidf, length, 0.1, thresholds, 0.5, {}), folder, vocabulary)


class Finder:
    """Stands in for a model where only its answers count: 0.9 for a sentence with the word `dies`."""

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
    """A detector around `Finder`, with other thresholds where given."""
    model = Finder()
    vars(model).update(changes)
    manifest = Manifest(format=FORMAT, model="lstm", mask_spoiler_word=False, lowercase=True, sha256={})
    return SpoilerDetector(manifest, Vocabulary(WORDS), model)
