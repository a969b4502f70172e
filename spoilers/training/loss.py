"""Binary cross-entropy on reviews and, where sentences have labels, on sentences."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from spoilers.core.params import Train
from spoilers.models.scoring import Logits
from spoilers.text.reviews import Reviews


def targets_and_weights(
    labels: np.ndarray, sentence_labels: np.ndarray, reviews: int, labelled: int, settings: Train
) -> tuple[np.ndarray, np.ndarray]:
    """Return the target of each logit and its weight in the loss, float32: first reviews, then sentences.

    The loss is a mean over `reviews` reviews plus a weighted mean over `labelled` sentences: those of the
    whole batch, of which this may be a part. `sentence_labels` are NaN where a sentence has no label.
    """
    of_reviews = np.where(labels == 1, settings.positive_weight, 1.0) / reviews
    known = ~np.isnan(sentence_labels)
    of_sentences = known * (settings.sentence_weight / max(labelled, 1))
    targets = np.concatenate([labels, np.where(known, sentence_labels, 0)])
    return targets.astype(np.float32), np.concatenate([of_reviews, of_sentences]).astype(np.float32)


def weighted_loss(logits: tuple[Tensor, Tensor], targets: Tensor, weights: Tensor) -> Tensor:
    """Return the loss of the logits of reviews and of sentences: a scalar, float32."""
    return F.binary_cross_entropy_with_logits(torch.cat(logits).float(), targets, weights, reduction="sum")


def base_rate_loss(reviews: Reviews, settings: Train) -> float:
    """Return the loss of the best constant prediction, which knows only how frequent spoilers are here."""
    weighted = settings.positive_weight * float(reviews.labels.mean())
    share = weighted / (weighted + 1 - float(reviews.labels.mean()))
    known = reviews.sentence_labels[~np.isnan(reviews.sentence_labels)]
    of_sentences = float(known.mean()) if len(known) else 0.0
    constant = Logits(
        np.full(len(reviews), log_odds(share), np.float32),
        np.full(len(reviews.sentence_labels), log_odds(of_sentences), np.float32),
    )
    return loss_of(constant, reviews, settings)


def log_odds(share: float) -> float:
    """Return the logit of a probability, clipped to what float32 distinguishes from 0 and 1."""
    share = min(max(share, 1e-7), 1 - 1e-7)
    return math.log(share / (1 - share))


def loss_of(logits: Logits, reviews: Reviews, settings: Train) -> float:
    """Return the training loss: the mean over reviews plus the weighted mean over sentences."""
    counts = len(reviews), reviews.labelled_sentences
    known = targets_and_weights(reviews.labels, reviews.sentence_labels, *counts, settings)
    of_both = torch.from_numpy(logits.reviews), torch.from_numpy(logits.sentences)
    return weighted_loss(of_both, *map(torch.from_numpy, known)).item()
