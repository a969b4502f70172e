"""Trainings side by side, each in a process of its own."""

import multiprocessing
import sys
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.context import BaseContext
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Event
from typing import Any, TypeVar

import torch

from spoilers.core.errors import UserError
from spoilers.core.parallel import end_with_parent
from spoilers.training import processes
from spoilers.training.signals import catch_signals, held_back, leave_to_parent

Job, Result = TypeVar("Job"), TypeVar("Result")
Tell = Callable[[Any], None]  # receives a training's updates
SECONDS = 0.2  # between two checks for signals
_updates: SimpleQueue | None = None  # from a worker to its parent


def number_of_workers(device: torch.device, workers: int) -> int:
    """Return how many trainings run at once: `workers` on a CPU, one on each GPU.

    It is one if torchrun has several processes train one model.
    """
    if processes.world_size() > 1:
        return 1
    if device.type == "cuda":
        return torch.cuda.device_count()
    return workers if device.type == "cpu" else 1


def side_by_side(
    function: Callable[[Job, Tell], Result], jobs: list[Job], device: torch.device, workers: int, tell: Tell
) -> list[Result]:
    """Return `function(job, tell)` for each job, in order; `tell` is called in this process.

    Raises:
        KeyboardInterrupt: on SIGINT or SIGTERM, after every training has saved its checkpoint.
        UserError: the system has ended a worker.
    """
    workers = min(number_of_workers(device, workers), len(jobs))
    if workers == 1:
        return [function(job, tell) for job in jobs]
    context = context_for(device)
    stop, updates, gpus = context.Event(), context.SimpleQueue(), context.SimpleQueue()
    for gpu in range(workers if device.type == "cuda" else 0):
        gpus.put(gpu)
    problems: list[Exception] = []
    relay = threading.Thread(target=pass_on, args=(updates, tell, problems), daemon=True)
    arguments = (stop, updates, gpus if device.type == "cuda" else None)
    with (
        catch_signals() as interrupted,
        ProcessPoolExecutor(workers, context, start_worker, arguments) as pool,
    ):
        with held_back():
            futures = [pool.submit(work, function, job) for job in jobs]
        relay.start()  # only now: a process that has threads should not fork
        try:
            wait_for_all(futures, interrupted, problems)
        except BrokenProcessPool as error:
            raise UserError(
                "the system has ended a training, perhaps for want of memory; lower machine.workers in"
                " params.yaml"
            ) from error
        finally:
            stop.set()  # has no effect if all are done
            pool.shutdown(cancel_futures=True)
    updates.put(None)
    relay.join()
    return [future.result() for future in futures]


def context_for(device: torch.device) -> BaseContext:
    """Return how worker processes start: on a CPU under Linux by a fork, which spares them PyTorch's import.

    A process that has used a GPU cannot be forked, and other systems' libraries may not survive it.
    """
    if device.type == "cpu" and sys.platform == "linux":
        return multiprocessing.get_context("fork")
    return multiprocessing.get_context("spawn")


def pass_on(updates: SimpleQueue, tell: Tell, problems: list[Exception]) -> None:
    """Pass the workers' updates to `tell` until None; after a problem, discard them so no worker waits."""
    for update in iter(updates.get, None):
        try:
            if not problems:
                tell(update)
        except Exception as problem:
            problems.append(problem)


def wait_for_all(futures: list[Future], interrupted: Callable[[], bool], problems: list[Exception]) -> None:
    """Wait until all futures are done.

    Raises:
        KeyboardInterrupt: a signal has come.
        Exception: the error of the first future that failed, or the first from `tell`.
    """
    left = set(futures)
    while left:
        done, left = wait(left, SECONDS, FIRST_EXCEPTION)
        for future in done:
            future.result()
        if problems:
            raise problems[0]
        if interrupted():
            raise KeyboardInterrupt


def start_worker(stop: Event, updates: SimpleQueue, gpus: SimpleQueue | None) -> None:
    """Prepare a worker process: leave signals and updates to its parent, and take a GPU."""
    global _updates
    _updates = updates
    leave_to_parent(stop)
    end_with_parent()
    if gpus:
        torch.cuda.set_device(gpus.get())


def work(function: Callable[[Job, Tell], Result], job: Job) -> Result:
    """Do one job in a worker process."""
    return function(job, _updates.put)
