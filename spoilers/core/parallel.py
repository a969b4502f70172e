"""Work on consecutive items side by side, with the results in the order of the items."""

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


def in_order(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int,
    make_pool: Callable[[int], Executor] = ThreadPoolExecutor,
) -> Iterator[Result]:
    """Yield `function` of each item, in the order of the items, with few of them in memory at a time.

    Threads serve where Arrow's kernels leave the interpreter free meanwhile; for work in Python
    itself, give `processes`.
    """
    items = iter(items)
    first = list(islice(items, 2))
    if len(first) < 2:  # not worth the start of a pool
        yield from map(function, first)
        return
    with make_pool(workers) as pool:
        under_way: deque = deque()
        for item in chain(first, items):
            under_way.append(pool.submit(function, item))
            if len(under_way) > workers:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()


def ahead(items: Iterator[Item], count: int = 1) -> Iterator[Item]:
    """Yield the items as they come, the next `count` made in a thread while one is used; none may be None."""
    with ThreadPoolExecutor(1) as thread:
        upcoming = deque(thread.submit(next, items, None) for _ in range(count))
        while (item := upcoming.popleft().result()) is not None:
            upcoming.append(thread.submit(next, items, None))
            yield item


def available_cores() -> list[int]:
    """The numbers of the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def processes(workers: int) -> ProcessPoolExecutor:
    """Processes of their own interpreter; spawned, since to fork a process with threads is unsafe."""
    return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=prepare)


def prepare() -> None:
    """Called in a worker: Ctrl-C is the parent's to handle, and no cycle is left for the garbage collector.

    It would look at the thousands of records of a batch again and again: a fifth of the time of cleaning.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()
    end_with_parent()


def end_with_parent() -> None:
    """Called in a worker: end when the parent has ended, even by kill -9, which tells no one."""

    def wait() -> None:
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
