"""Time the cells and the optimizers on one core, at this project's sizes."""

import timeit
from collections.abc import Callable

import torch
from torch import nn

from spoilers.core.params import Params
from spoilers.models.counts import equal_gru_size
from spoilers.models.network import CELLS, SpoilerRNN
from spoilers.training import optimizers

TOKENS = 32  # in the sequences used to time the cells


def milliseconds(work: Callable[[], None], repeats: int = 10) -> float:
    """Return the time of the fastest of `repeats` runs on one core; other load can only slow a run down."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return 1000 * min(timeit.repeat(work, number=1, repeat=repeats))
    finally:
        torch.set_num_threads(threads)


def optimizer_steps(settings: Params, words: int) -> dict[str, float]:
    """Return the milliseconds of one step of each optimizer over all weights of the GRU model."""
    model = SpoilerRNN(words, "gru", **settings.model.model_dump(exclude={"vectors", "freeze_vectors"}))
    for weights in model.parameters():
        weights.grad = torch.randn_like(weights)
    times = {}
    for name, chosen in settings.optimizers:
        times[name] = milliseconds(optimizers.make(chosen.settings, 1e-6, model.parameters()).step)
    return times


def cell_steps(settings: Params) -> dict[str, float]:
    """Return each cell's microseconds per token, forward and backward: first layer, one direction."""
    X, H, B = settings.model.embedding_size, settings.model.hidden_size, settings.train.batch_size
    return {
        "lstm": cell_step(CELLS["lstm"](X, H), B),
        "gru": cell_step(CELLS["gru"](X, H), B),
        "gru_of_equal_parameters": cell_step(CELLS["gru"](X, equal_gru_size(settings.model)), B),
    }


def cell_step(layer: nn.Module, batch: int) -> float:
    """Return one layer's microseconds per token, forward and backward."""
    xs = torch.randn(TOKENS, batch, layer.input_size, requires_grad=True)  # (T, B, X)
    return 1000 * milliseconds(lambda: layer(xs)[0].sum().backward()) / (TOKENS * batch)
