"""Run a network over many reviews and return its logits in their order."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from spoilers.models.batches import assemble, in_order_of_length
from spoilers.models.devices import autocast
from spoilers.models.network import SpoilerRNN
from spoilers.text.reviews import Reviews, ranges, spans

TOKENS = 16_384  # padded tokens in a batch


@dataclass(frozen=True)
class Logits:
    """Logits of reviews and of all their sentences."""

    reviews: np.ndarray  # float32 (reviews)
    sentences: np.ndarray  # float32 (sentences)


@torch.inference_mode()
def score(model: SpoilerRNN, reviews: Reviews, device: torch.device, precision: str) -> Logits:
    """Run the model in evaluation mode over all reviews, in batches of similar length, longest first.

    The model is left in the mode it was found in.
    """
    was_training = model.training
    model.eval()
    review_logits = np.empty(len(reviews), np.float32)
    sentence_logits = np.empty(len(reviews.sentence_lengths), np.float32)
    for rows in in_order_of_length(reviews.lengths, TOKENS):
        batch = assemble(reviews, rows, model.read_padding).to(device)
        with autocast(device, precision, model.layer):
            logits = model(batch)
        review_logits[rows] = logits[0].float().cpu().numpy()
        sentence_logits[ranges(*spans(reviews.sentence_ends, rows))] = logits[1].float().cpu().numpy()
    model.train(was_training)
    return Logits(review_logits, sentence_logits)


def sigmoid(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Return probabilities, float32, of logits that are divided by a temperature first (Guo et al., 2017)."""
    return F.sigmoid(torch.from_numpy(logits) / temperature).numpy()
