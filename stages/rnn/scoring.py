"""Logits of many reviews, in their order."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from stages.params import Train
from stages.rnn.batches import assemble, in_order_of_length
from stages.rnn.devices import autocast
from stages.rnn.loss import loss_sums
from stages.rnn.model import SpoilerRNN
from stages.rnn.reviews import Reviews, ranges, spans

TOKENS = 16_384  # padded tokens in a batch


@dataclass(frozen=True)
class Logits:
    reviews: np.ndarray  # float32 (reviews)
    sentences: np.ndarray  # float32 (sentences)
    loss: float  # as in training


@torch.inference_mode()
def score(model: SpoilerRNN, reviews: Reviews, settings: Train, device: torch.device) -> Logits:
    """Run the model over all reviews, in batches of similar length, longest first."""
    model.eval()
    review_logits = np.empty(len(reviews), np.float32)
    sentence_logits = np.empty(len(reviews.sentence_lengths), np.float32)
    review_loss = sentence_loss = 0.0
    for rows in in_order_of_length(reviews.lengths, TOKENS):
        batch = assemble(reviews, rows).to(device)
        with autocast(device, settings.precision, model.layer):
            logits = model(batch)
        review_logits[rows] = logits[0].float().cpu().numpy()
        sentence_logits[ranges(*spans(reviews.sentence_ends, rows))] = logits[1].float().cpu().numpy()
        sums = loss_sums(*logits, batch, settings.positive_weight)
        review_loss += sums[0].item()
        sentence_loss += sums[1].item()
    sentence_loss /= max(reviews.labelled_sentences, 1)
    loss = review_loss / len(reviews) + settings.sentence_weight * sentence_loss
    return Logits(review_logits, sentence_logits, loss)


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Probabilities, float32."""
    return F.sigmoid(torch.from_numpy(logits)).numpy()
