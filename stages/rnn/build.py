"""A new model from the parameters and the training data."""

import numpy as np
import torch

from stages.errors import UserError
from stages.params import Model
from stages.rnn.model import Cell, SpoilerRNN
from stages.rnn.reviews import Reviews


def architecture(cell: Cell, settings: Model, vocabulary_size: int) -> dict:
    """The arguments of `SpoilerRNN`."""
    chosen = settings.model_dump(exclude={"vectors", "freeze_vectors"})
    return {"vocabulary_size": vocabulary_size, "cell": cell, **chosen}


def build(arguments: dict, train: Reviews, seed: int) -> SpoilerRNN:
    """Initial weights, a function of the seed; output biases at the training log-odds.

    Raises:
        UserError: the training reviews hold a single class.
    """
    prevalence = float(train.labels.mean())
    if not 0 < prevalence < 1:
        which = "no spoiler" if prevalence == 0 else "nothing but spoilers"
        raise UserError(f"data/splits/train.parquet: holds {which}; training needs both classes")
    torch.manual_seed(seed)
    model = SpoilerRNN(**arguments)
    labelled = train.sentence_labels[~np.isnan(train.sentence_labels)]
    model.set_priors(prevalence, float(labelled.mean()) if len(labelled) else None)
    return model
