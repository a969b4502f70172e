"""Where the arithmetic is done, and how exactly."""

import torch

from stages.errors import UserError


def choose(name: str) -> torch.device:
    """The device of `train.device`; `auto` takes CUDA, then MPS, then the CPU.

    Raises:
        UserError: the device is not available.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(kind for kind, there in available.items() if there)
    if not available[name]:
        there = ", ".join(kind for kind, is_there in available.items() if is_there)
        raise UserError(f"params.yaml: train.device: was '{name}', which this machine lacks; it has {there}")
    return torch.device(name)


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """Arithmetic in bfloat16 where that is asked for; weights stay float32."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")


def reseed(device: torch.device, seed: int) -> None:
    """Seed the generator of one device; `torch.manual_seed` does all, and takes half a millisecond."""
    if device.type == "cpu":
        torch.default_generator.manual_seed(seed)
    else:
        getattr(torch, device.type).manual_seed(seed)
