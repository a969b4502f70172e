"""The study's four optimizers, made in one place."""

from collections.abc import Iterable

import torch
from torch import nn
from torch.optim import SGD, Adam, Optimizer, RMSprop

from spoilers.core.params import AdamSettings, MomentumSettings, RMSpropSettings


def make(
    settings: MomentumSettings | RMSpropSettings | AdamSettings,
    learning_rate: float,
    parameters: Iterable[nn.Parameter],
    fused: bool = False,
) -> Optimizer:
    """Return the optimizer for the settings, without weight decay; plain SGD has momentum 0.

    By default all of them use the same kind of implementation (foreach: one operation on all weights at a
    time), so that their times can be compared. With `fused`, SGD and Adam pass over the weights only once
    per step, which is faster; PyTorch has no fused RMSprop.
    """
    implementation = {"fused": True} if fused else {"foreach": True}
    match settings:
        case MomentumSettings():
            return SGD(parameters, learning_rate, momentum=settings.momentum, **implementation)
        case RMSpropSettings():
            return RMSprop(parameters, learning_rate, alpha=settings.alpha, eps=settings.eps, foreach=True)
        case AdamSettings():
            betas = (settings.beta1, settings.beta2)
            return Adam(parameters, learning_rate, betas=betas, eps=settings.eps, **implementation)


def state_bytes(optimizer: Optimizer) -> int:
    """Return the size of the optimizer's state in bytes."""
    states = (value for state in optimizer.state.values() for value in state.values())
    return sum(v.numel() * v.element_size() for v in states if torch.is_tensor(v) and v.dim() > 0)
