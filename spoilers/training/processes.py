"""Cooperation of processes that torchrun starts to train one model. With one process, nothing happens."""

import os

import numpy as np
import torch
import torch.distributed as dist


def start(device: torch.device) -> None:
    """Join the other processes if torchrun has started this one."""
    if "WORLD_SIZE" in os.environ and not dist.is_initialized():
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
        if device.type == "cuda":
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))


def stop() -> None:
    if dist.is_initialized():
        dist.destroy_process_group()


def rank() -> int:
    return dist.get_rank() if dist.is_initialized() else 0


def world_size() -> int:
    return dist.get_world_size() if dist.is_initialized() else 1


def is_first() -> bool:
    """Return whether this is the process that writes."""
    return rank() == 0


def is_first_here() -> bool:
    """Return whether this is the process that writes what the others on this machine read."""
    return not dist.is_initialized() or int(os.environ["LOCAL_RANK"]) == 0


def wait_for_all() -> None:
    """Wait until all processes get here."""
    if dist.is_initialized():
        dist.barrier()


def share_of(rows: np.ndarray) -> np.ndarray:
    """Return this process's rows of a global batch; all of them if there are fewer rows than processes."""
    return rows[rank() :: world_size()] if len(rows) >= world_size() else rows


def any_of(value: bool) -> bool:
    """Return whether the value is true in any of the processes, so that all decide alike."""
    if world_size() == 1:
        return value
    return sum_over_processes(torch.tensor(float(value), device=device())).item() > 0


def from_first(value: object) -> object:
    """Broadcast the first process's value to all: other machines cannot read the first one's files."""
    values = [value]
    if dist.is_initialized():
        dist.broadcast_object_list(values)
    return values[0]


def sum_over_processes(values: torch.Tensor) -> torch.Tensor:
    """Sum a tensor over the processes, in place (all-reduce)."""
    if dist.is_initialized():
        dist.all_reduce(values)
    return values


def device() -> torch.device:
    """Return the device whose tensors the backend can exchange."""
    return torch.device("cuda" if dist.get_backend() == "nccl" else "cpu")
