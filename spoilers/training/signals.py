"""Signals that end a training between two steps."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def catch_signals() -> Iterator[list[int]]:
    """Collect SIGINT and SIGTERM in a list, so that the loop can stop between two steps.

    A second signal acts at once, unless it comes with the first: torchrun passes on what the
    terminal has sent already. Does nothing outside the main thread.
    """
    caught: list[int] = []
    first = 0.0

    def catch(number: int, _frame) -> None:
        nonlocal first
        if caught and time.monotonic() - first > 1:
            raise KeyboardInterrupt
        if not caught:
            first = time.monotonic()
        caught.append(number)

    try:
        old = {number: signal.signal(number, catch) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not the main thread
        yield caught
        return
    try:
        yield caught
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
