"""Several processes that train one model, as torchrun starts them; with one process, nothing happens."""

import os

import numpy as np
import torch
import torch.distributed as dist


def start(device: torch.device) -> None:
    """Join the other processes, when torchrun has started this one."""
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
    """Whether this is the process that writes."""
    return rank() == 0


def share_of(rows: np.ndarray) -> np.ndarray:
    """This process's rows of a global batch; all of them where there are fewer rows than processes."""
    return rows[rank() :: world_size()] if len(rows) >= world_size() else rows


def any_of(value: bool) -> bool:
    """Whether the value is true in any of the processes, so that all decide alike."""
    return total(torch.tensor(float(value))) > 0 if world_size() > 1 else value


def from_first(value: object) -> object:
    """The first process's value, for all: another machine has no file of the first one's."""
    values = [value]
    if dist.is_initialized():
        dist.broadcast_object_list(values)
    return values[0]


def total(value: torch.Tensor) -> float:
    """The sum of a scalar over the processes."""
    if dist.is_initialized():
        dist.all_reduce(value)
    return value.item()
