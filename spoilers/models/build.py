"""A new model from the parameters and the training data."""

from pathlib import Path

import numpy as np
import torch

from spoilers.core.errors import UserError
from spoilers.core.params import Model
from spoilers.models.network import Cell, SpoilerRNN
from spoilers.models.vectors import WordVectors
from spoilers.text.reviews import Reviews
from spoilers.text.vocabulary import UNKNOWN


def architecture(cell: Cell, settings: Model, vocabulary_size: int) -> dict:
    """Return the arguments of `SpoilerRNN`."""
    chosen = settings.model_dump(exclude={"vectors", "freeze_vectors"})
    return {"vocabulary_size": vocabulary_size, "cell": cell, **chosen}


def build(
    arguments: dict,
    train: Reviews,
    seed: int,
    vectors: WordVectors | None = None,
    freeze_vectors: bool = False,
) -> SpoilerRNN:
    """Build a network: weights drawn from the seed, output biases at the training log-odds."""
    torch.manual_seed(seed)
    model = SpoilerRNN(**arguments)
    if vectors:
        vectors.put_into(model, freeze_vectors)
    prevalence = float(train.labels.mean())
    labelled = train.sentence_labels[~np.isnan(train.sentence_labels)]
    model.set_priors(prevalence, float(labelled.mean()) if len(labelled) else None)
    return model


def check(reviews: Reviews, path: Path | str) -> None:
    """Check that a model can be trained, or chosen, on these reviews.

    Raises:
        UserError: they hold a single class, or no known word.
    """
    prevalence = float(reviews.labels.mean()) if len(reviews) else 0.0
    if not 0 < prevalence < 1:
        which = "nothing but spoilers" if prevalence else "no spoiler"
        raise UserError(f"{path}: holds {which}; training needs both classes; see `split` in params.yaml")
    if not (reviews.ids > UNKNOWN).any():
        raise UserError(
            f"{path}: its reviews hold no word of the vocabulary; nothing can be learned from them"
        )
