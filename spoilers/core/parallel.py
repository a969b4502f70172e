"""Map a function over items in parallel, with the results in the order of the items."""

import gc
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from itertools import chain, islice
from typing import TypeVar

Item, Result = TypeVar("Item"), TypeVar("Result")


def ordered_map(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int,
    make_pool: Callable[[int], Executor] = ThreadPoolExecutor,
) -> Iterator[Result]:
    """Yield `function(item)` for each item, in the order of the items.

    At most `workers` + 1 results are in memory at a time. Threads suffice for work in Arrow's kernels,
    which release the interpreter's lock; for work in Python itself, pass `process_pool`.
    """
    items = iter(items)
    first = list(islice(items, 2))
    if len(first) < 2:  # not worth starting a pool
        yield from map(function, first)
        return
    with make_pool(workers) as pool:
        pending: deque = deque()
        for item in chain(first, items):
            pending.append(pool.submit(function, item))
            if len(pending) > workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def prefetch(items: Iterator[Item]) -> Iterator[Item]:
    """Yield the items (none may be None) while a thread fetches the next one."""
    with ThreadPoolExecutor(1) as thread:
        upcoming = thread.submit(next, items, None)
        while (item := upcoming.result()) is not None:
            upcoming = thread.submit(next, items, None)
            yield item


def available_cores() -> list[int]:
    """Return the numbers of the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def process_pool(workers: int) -> ProcessPoolExecutor:
    """Return a pool of spawned processes; forking a process that has threads is unsafe."""
    return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=start_worker)


def start_worker() -> None:
    """Prepare a worker process: leave Ctrl-C to the parent, and stop the cyclic garbage collector.

    The collector would repeatedly scan the thousands of records of a batch without finding a cycle,
    which takes a fifth of the cleaning time.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()
    end_with_parent()


def end_with_parent() -> None:
    """End this worker process when its parent ends, even by kill -9, which signals no worker."""

    def wait() -> None:
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
