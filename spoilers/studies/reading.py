"""Read one review with a network, and describe its sentences."""

import numpy as np

from spoilers.models.network import SpoilerRNN
from spoilers.models.scoring import score, sigmoid
from spoilers.text.reviews import Reviews
from spoilers.text.vocabulary import UNKNOWN


def read(model: SpoilerRNN, review: Reviews) -> list[float]:
    """Return a network's spoiler probability for each sentence that it reads of one review."""
    device = next(model.parameters()).device
    return [round(float(p), 4) for p in sigmoid(score(model, review, device, "float32").sentences)]


def sentences_of(review: Reviews, words: list[str] | None) -> list[dict]:
    """Describe each sentence of one review: whether it is flagged, its numbers of tokens and unknown tokens.

    With the vocabulary's `words`, each sentence comes with its text.
    """
    ends = np.cumsum(review.sentence_lengths)
    found = []
    for flag, end, length in zip(review.sentence_labels, ends, review.sentence_lengths, strict=True):
        ids = review.ids[end - length : end]
        sentence = {"flagged": int(flag == 1), "tokens": int(length), "unknown": int((ids == UNKNOWN).sum())}
        found.append(sentence | ({"text": " ".join(words[i] for i in ids)} if words else {}))
    return found
