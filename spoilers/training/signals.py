"""Signals that end a training between two steps."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event

SIGNALS = (signal.SIGINT, signal.SIGTERM)
_parent_stops: Event | None = None


def leave_to_parent(stop: Event) -> None:
    """Ignore signals in this worker process: its parent gets them too, and sets `stop`."""
    global _parent_stops
    _parent_stops = stop
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def catch_signals() -> Iterator[Callable[[], bool]]:
    """Yield a function that returns whether SIGINT or SIGTERM has come; a loop asks it between steps.

    A second signal acts at once, unless it comes with the first: torchrun forwards what the
    terminal has already sent. Nothing is caught outside the main thread.
    """
    if _parent_stops is not None:
        yield _parent_stops.is_set
        return
    caught: list[float] = []

    def catch(_number: int, _frame) -> None:
        caught.append(time.monotonic())
        if caught[-1] - caught[0] > 1:
            raise KeyboardInterrupt

    try:
        old = {number: signal.signal(number, catch) for number in SIGNALS}
    except ValueError:  # not the main thread
        yield lambda: False
        return
    try:
        yield lambda: bool(caught)
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


@contextmanager
def held_back() -> Iterator[None]:
    """Hold signals back until the block ends; processes started in it never see them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
