"""The device and precision of the arithmetic."""

from collections.abc import Iterator
from functools import cache
from typing import TypeVar

import torch
from torch import Tensor, nn

from spoilers.core.errors import UserError

Tree = TypeVar("Tree")  # tuples of tensors, of tuples, and of other values


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


def move(tree: Tree, device: torch.device) -> Tree:
    """Return nested tuples with their tensors, which are on the CPU, on `device`.

    To CUDA, all tensors of one type are copied at once, asynchronously, from pinned memory: each copy
    takes time on the host, which is what limits small batches.
    """
    if device.type == "cpu":
        return tree
    tensors = list(leaves(tree))
    moved: dict[int, Tensor] = {}
    for kind in {tensor.dtype for tensor in tensors}:
        these = [tensor for tensor in tensors if tensor.dtype == kind]
        sizes = [tensor.numel() for tensor in these]
        packed = torch.empty(sum(sizes), dtype=kind, pin_memory=device.type == "cuda")
        torch.cat([tensor.flatten() for tensor in these], out=packed)
        parts = packed.to(device, non_blocking=True).split(sizes)
        moved |= {id(old): new.view(old.shape) for old, new in zip(these, parts, strict=True)}
    return replaced(tree, moved)


def leaves(tree: object) -> Iterator[Tensor]:
    """Yield the tensors in nested tuples."""
    if isinstance(tree, tuple):
        for part in tree:
            yield from leaves(part)
    elif torch.is_tensor(tree):
        yield tree


def replaced(tree: Tree, new: dict[int, Tensor]) -> Tree:
    """Return nested tuples with each tensor replaced by the one under its identity."""
    if isinstance(tree, tuple):
        parts = [replaced(part, new) for part in tree]
        return type(tree)(*parts) if hasattr(tree, "_fields") else tuple(parts)
    return new[id(tree)] if torch.is_tensor(tree) else tree
