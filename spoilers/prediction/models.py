"""The trained models behind one call: reviews in, probabilities of the reviews and their sentences out."""

from pathlib import Path
from typing import Protocol

import numpy as np

from spoilers.core.errors import UserError
from spoilers.models import devices, storage
from spoilers.models.scoring import score, sigmoid
from spoilers.prediction.folder import VOCABULARY
from spoilers.text.reviews import Reviews


class Model(Protocol):
    threshold: float  # from which a review is called a spoiler
    sentence_threshold: float | None  # likewise a sentence; None for a model that learned nothing of them
    max_tokens: int  # of a longer review, the head and the tail are read

    def probabilities(self, reviews: Reviews) -> tuple[np.ndarray, np.ndarray]:
        """Of a spoiler: in each review (reviews), and in each of all their sentences (sentences)."""


class Network:
    """The LSTM or the GRU, on the processor or the GPU that is there."""

    def __init__(self, folder: Path):
        self.device = devices.choose("auto")
        model, description = storage.load(folder, folder / VOCABULARY)
        self.model = model.to(self.device)
        self.threshold = description["threshold"]
        self.sentence_threshold = description["sentence_threshold"]
        self.max_tokens = description["max_tokens"]
        self.precision = description["precision"]

    def probabilities(self, reviews: Reviews) -> tuple[np.ndarray, np.ndarray]:
        logits = score(self.model, reviews, self.device, self.precision)
        return sigmoid(logits.reviews), sigmoid(logits.sentences)


def load(name: str, folder: Path) -> Model:
    """Load the model `name` from its folder, whose files have been checked.

    Raises:
        UserError: the folder's files do not make a model.
    """
    try:
        if name != "baseline":
            return Network(folder)
        from spoilers.prediction.tfidf import Tfidf  # here: scikit-learn takes a third of the command's start

        return Tfidf(folder)
    except KeyError as error:
        raise UserError(f"{folder}: is damaged or of another version (no {error}); train again") from error
