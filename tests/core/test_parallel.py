"""Parallel work: its order, its errors, and no processes left after a kill."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import pytest

from spoilers.core.parallel import end_with_parent, ordered_map, process_pool
from tests import ROOT

POOLS = {"spawned": process_pool, "default": partial(ProcessPoolExecutor, initializer=end_with_parent)}


def test_order_is_kept():
    def slow_at_first(item: int) -> int:
        time.sleep(0.02 if item < 3 else 0)
        return item * item

    assert list(ordered_map(slow_at_first, range(20), 2)) == [i * i for i in range(20)]
    assert list(ordered_map(abs, range(-9, 0), 2, process_pool)) == list(range(9, 0, -1))
    for few in ([], [-1]):
        assert list(ordered_map(abs, few, 2)) == [1] * len(few)


def test_an_error_reaches_the_caller():
    with pytest.raises(ValueError, match="invalid literal"):
        list(ordered_map(int, ["1", "2", "x", "4"], 2))


def forever(_: int) -> None:
    os.write(1, f"{os.getpid()}\n".encode())  # in one write, since two processes write
    time.sleep(600)


def work(pool: str) -> None:
    list(ordered_map(forever, range(2), 2, POOLS[pool]))


@pytest.mark.parametrize("pool", POOLS)
def test_workers_end_with_a_killed_parent(pool: str):
    code = f"from tests.core import test_parallel as t\nif __name__ == '__main__': t.work({pool!r})"
    script = [sys.executable, "-c", code]
    with subprocess.Popen(script, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        workers = [int(parent.stdout.readline()) for _ in range(2)]
        parent.send_signal(signal.SIGKILL)
        # The pipe closes when its last holder has ended.
        assert parent.stdout.read() == ""
    assert len(set(workers)) == 2
