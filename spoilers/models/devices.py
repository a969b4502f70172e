"""The device and precision of the arithmetic."""

from functools import cache

import torch
from torch import nn

from spoilers.core.errors import UserError


def choose(name: str) -> torch.device:
    """Return the device of `machine.device`; `auto` takes CUDA, then MPS, then the CPU.

    Raises:
        UserError: the device is not available.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(kind for kind, there in available.items() if there)
    if not available[name]:
        there = ", ".join(kind for kind, is_there in available.items() if is_there)
        raise UserError(
            f"params.yaml: machine.device: was '{name}', which this machine lacks; it has {there}"
        )
    # cuDNN rounds to 10 bits by default (TF32), which would make a review's score depend on its batch.
    torch.backends.cudnn.allow_tf32 = False
    return torch.device(name)


def autocast(device: torch.device, precision: str, layer: type[nn.RNNBase]) -> torch.autocast:
    """Return a context for bfloat16 arithmetic if `precision` asks for it; weights stay float32.

    Raises:
        UserError: the device has no such recurrent layer in bfloat16.
    """
    if precision == "bfloat16" and not has_bfloat16(device.type, layer):
        raise UserError(
            f"params.yaml: train.precision: was 'bfloat16', in which this machine's {device.type} has no"
            f" {layer.__name__}; it has float32"
        )
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")


@cache
def has_bfloat16(kind: str, layer: type[nn.RNNBase]) -> bool:
    """Return whether the layer works in bfloat16 on the device: oneDNN's LSTM needs a CPU with AVX-512."""
    # Left uninitialized, since drawing initial weights would use up random numbers.
    smallest = layer(1, 1, device="meta").to_empty(device=kind)
    with torch.inference_mode(), torch.autocast(kind, torch.bfloat16):
        try:
            smallest(torch.zeros(1, 1, 1, device=kind))
        except RuntimeError:
            return False
    return True


def reseed(device: torch.device, seed: int) -> None:
    """Seed the generator of one device; `torch.manual_seed` seeds all, which takes half a millisecond."""
    if device.type == "cpu":
        torch.default_generator.manual_seed(seed)
    else:
        getattr(torch, device.type).manual_seed(seed)
