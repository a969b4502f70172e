"""Diagnostics of each step: loss, gradient norm, and how far the optimizer moved the weights.

They stay on the device until they are read in bulk, so that no step waits for them.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from spoilers.models.network import SpoilerRNN
from spoilers.training import processes

UPDATE_EVERY = 10  # steps between two measurements of the update, each of which copies the weights
TINY = 1e-12
LAYERS = ("embedding", "recurrent", "output")


class Step(NamedTuple):
    """The results of one step, kept until they are read."""

    loss: Tensor  # scalar: this process's part of the batch's loss
    gradient_norm: Tensor  # scalar, before clipping
    reviews: int


def weights_by_layer(model: SpoilerRNN) -> dict[str, list[nn.Parameter]]:
    """Group the weights by layer, as layers behave differently: embedding, recurrent and output layers."""
    modules = ([model.embedding], [model.rnn], [model.review_head, model.sentence_head])
    return {
        layer: [weight for module in group for weight in module.parameters()]
        for layer, group in zip(LAYERS, modules, strict=True)
    }


def copy_weights(model: SpoilerRNN) -> dict[str, Tensor]:
    """Return the weights of each layer as one vector."""
    return {name: concatenated(weights) for name, weights in weights_by_layer(model).items()}


def concatenated(tensors: Iterable[Tensor]) -> Tensor:
    return torch.cat([tensor.detach().flatten() for tensor in tensors])


class StepRecord:
    """Losses, gradient norms and updates since the last validation.

    `read` turns pending values on the device into `state`, plain numbers that a checkpoint can hold.
    """

    def __init__(self, state: dict | None = None):
        self.state = state or {"loss": 0.0, "reviews": 0, "norms": [], "updates": []}
        self.steps: list[Step] = []
        self.updates: list[Tensor] = []

    def is_update_due(self) -> bool:
        """Return whether to measure the update of the coming step."""
        return (len(self.state["norms"]) + len(self.steps)) % UPDATE_EVERY == 0

    def add_update(self, model: SpoilerRNN, before: dict[str, Tensor]) -> None:
        """Measure how a step moved the weights, which were `before`."""
        norms = []
        for name, weights in weights_by_layer(model).items():
            gradients = [weight.grad for weight in weights if weight.grad is not None]
            gradient = concatenated(gradients) if gradients else torch.zeros_like(before[name][:1])
            norms += [before[name].norm(), (concatenated(weights) - before[name]).norm(), gradient.norm()]
        self.updates.append(torch.stack(norms))

    def read(self) -> list[tuple[float, float]]:
        """Wait for the device, add pending steps to `state`, and return their losses and gradient norms."""
        if not self.steps:
            return []
        losses = processes.sum_over_processes(torch.stack([step.loss for step in self.steps])).tolist()
        norms = torch.stack([step.gradient_norm for step in self.steps]).tolist()
        self.state["loss"] += sum(loss * step.reviews for loss, step in zip(losses, self.steps, strict=True))
        self.state["reviews"] += sum(step.reviews for step in self.steps)
        self.state["norms"] += norms
        self.state["updates"] += [update.tolist() for update in self.updates]
        self.steps, self.updates = [], []
        return list(zip(losses, norms, strict=True))

    def summary(self, clip_norm: float) -> dict[str, float]:
        """Return means over all steps, and over those whose update was measured."""
        norms = self.state["norms"]
        mean = sum(norms) / len(norms)
        return {
            "train_loss": self.state["loss"] / self.state["reviews"],
            "gradient_norm": mean,
            "gradient_norm_sd": math.sqrt(sum((n - mean) ** 2 for n in norms) / len(norms)),
            "clipped": sum(n > clip_norm for n in norms) / len(norms),
            **mean_updates(self.state["updates"]),
        }


def mean_updates(updates: list[list[float]]) -> dict[str, float]:
    """Return, for each layer, the mean update relative to the weights' size and to the gradient's."""
    result = {}
    for i, layer in enumerate(LAYERS):
        norms = [update[3 * i : 3 * i + 3] for update in updates]
        ratios = [step / max(size, TINY) for size, step, _ in norms]
        effective = [step / gradient if gradient > TINY else 0.0 for _, step, gradient in norms]
        result[f"update_ratio_{layer}"] = sum(ratios) / len(ratios)
        result[f"effective_step_{layer}"] = sum(effective) / len(effective)
    return result
