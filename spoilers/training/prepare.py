"""Prepare a training from parameters and splits, the same way for the models and the study."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from spoilers.core.params import Model, Optimizers, Params, Train
from spoilers.models.build import architecture, build, check
from spoilers.models.network import Cell
from spoilers.models.vectors import WordVectors, read
from spoilers.text.reviews import Reviews
from spoilers.text.vocabulary import Vocabulary
from spoilers.training import processes
from spoilers.training.loop import Training
from spoilers.training.optimizers import make

TRAIN, VALIDATION, VOCABULARY = "train.parquet", "validation.parquet", "vocabulary.txt"


@dataclass(frozen=True)
class Data:
    """The data for a training."""

    train: Reviews
    validation: Reviews
    words: int  # in the vocabulary
    vectors: WordVectors | None


def read_data(splits: Path, model: Model, read_reviews: Callable[[Path], Reviews]) -> Data:
    """Read the training and validation reviews, and word vectors where the parameters name a file.

    Raises:
        UserError: a file cannot be read, or a model cannot be trained on the reviews.
    """
    vocabulary = Vocabulary.load(splits / VOCABULARY)
    train, validation = (read_reviews(splits / name) for name in (TRAIN, VALIDATION))
    check(train, splits / TRAIN)
    check(validation, splits / VALIDATION)
    vectors = read(model.vectors, vocabulary, model.embedding_size) if model.vectors else None
    if vectors and processes.is_first():
        print(f"{model.vectors}: has vectors of {vectors.coverage:.1%} of the vocabulary")
    return Data(train, validation, len(vocabulary), vectors)


@dataclass(frozen=True)
class Choice:
    """The cell, optimizer, learning rate and seed of one training."""

    cell: Cell
    optimizer: str
    learning_rate: float
    seed: int


def prepare(
    choice: Choice,
    data: Data,
    model: Model,
    train: Train,
    optimizers: Optimizers,
    device: torch.device,
    fused: bool = True,
    **watched,
) -> Training:
    """Build the network and its optimizer; return the training. `watched` is passed on to `Training`."""
    arguments = architecture(choice.cell, model, data.words)
    network = build(arguments, data.train, choice.seed, data.vectors, model.freeze_vectors).to(device)
    settings = getattr(optimizers, choice.optimizer).settings
    optimizer = make(settings, choice.learning_rate, network.parameters(), fused)
    return Training(network, optimizer, data.train, data.validation, train, choice.seed, **watched)


def determining(
    choice: Choice, splits: Path, params: Params, device: torch.device
) -> tuple[dict, list[Path]]:
    """Return the settings and the files that the trained weights depend on, besides the seed."""
    settings = {
        "cell": choice.cell,
        "optimizer": choice.optimizer,
        "learning_rate": choice.learning_rate,
        "optimizer_settings": getattr(params.optimizers, choice.optimizer).settings.model_dump(),
        "model": params.model.model_dump(),
        "train": params.train.model_dump(exclude={"launcher", "seeds"}),
        "device": device.type,
        "processes": processes.world_size(),
    }
    files = [splits / name for name in (TRAIN, VALIDATION, VOCABULARY)]
    return settings, files + ([Path(params.model.vectors)] if params.model.vectors else [])
