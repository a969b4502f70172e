"""Binary cross-entropy on reviews and, where sentences have labels, on sentences."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from spoilers.core.params import Train
from spoilers.models.scoring import Logits
from spoilers.text.reviews import Reviews


def loss_sums(
    review_logits: Tensor,
    sentence_logits: Tensor,
    labels: Tensor,
    sentence_labels: Tensor,
    positive_weight: float,
) -> tuple[Tensor, Tensor]:
    """Return the summed losses of the reviews and of the labelled sentences: two scalars, float32.

    `sentence_labels` are NaN where a sentence has no label.
    """
    weight = torch.full((), positive_weight, device=labels.device)
    reviews = F.binary_cross_entropy_with_logits(
        review_logits.float(), labels, reduction="sum", pos_weight=weight
    )
    labelled = ~torch.isnan(sentence_labels)
    sentences = F.binary_cross_entropy_with_logits(
        sentence_logits.float(), sentence_labels.nan_to_num(), weight=labelled.float(), reduction="sum"
    )
    return reviews, sentences


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
    arrays = (logits.reviews, logits.sentences, reviews.labels, reviews.sentence_labels)
    of_reviews, of_sentences = loss_sums(*map(torch.from_numpy, arrays), settings.positive_weight)
    per_sentence = of_sentences.item() / max(reviews.labelled_sentences, 1)
    return of_reviews.item() / len(reviews) + settings.sentence_weight * per_sentence
