"""Measure time and memory of the whole pipeline on a file of the Goodreads file's size and shape.

`python -m bench.full` writes such a file (REVIEWS=20000 for a quick look), runs every stage on it with `dvc
repro` in a project of its own, `.cache/bench-full`, and puts a table into bench/README.md. The networks
are tiny and train for one epoch, so that the pipeline itself is measured; everything else is as in
params.yaml. A quarter of the reviews goes first: a stage that needs a quarter of the time there grows
linearly with the data. At the end, a hundred steps show what an epoch of real training costs.

The projects stay there, with their reports, until the next run. Needs Linux, for /proc.
"""

import itertools
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from bench import page
from bench.data import GOODREADS, write_reviews
from bench.project import ROOT, make_project

FOLDER = ROOT / ".cache/bench-full"
HEADING = "## The whole pipeline"
BEGIN, END = "<!-- whole pipeline: begin -->", "<!-- whole pipeline: end -->"
SETTINGS = {  # settings that differ from params.yaml
    "model": {"embedding_size": 8, "hidden_size": 8},
    "train": {"seeds": 1, "epochs": 1, "validations_per_epoch": 1, "batch_size": 256},
    "sweep": {
        "cells": ["sgd-0.01", "adam-0.01"],
        "shared_learning_rate": 0.01,
        "seeds": 1,
        "epochs": 1,
        "reviews": 500,
    },
    "ablation": {
        "seeds": 1,
        "epochs": 1,
        "changes": {"default": {}, "no_sentence_loss": {"train": {"sentence_weight": 0.0}}},
    },
}
SUGGESTED = {  # by the README, for the whole file
    "model": {"embedding_size": 100, "hidden_size": 128},
    "train": {"batch_size": 512},
}
NETWORKS = ("train_lstm", "train_gru")
RUNNING = re.compile(r"Running stage '(.+)':")
PAUSE = 0.2  # seconds between two readings of the memory
STEPS, WARM_UP = 100, 10  # of the training whose speed is measured


class Row(NamedTuple):
    """One stage's cost, including DVC's hashing of its dependencies and outputs."""

    stage: str
    seconds: float
    cpu: float  # seconds, of all its processes
    peak: float  # GB, of DVC and all its processes together


# The project.


def make_synthetic(folder: Path, reviews: int) -> None:
    """Make a project that reads a synthetic file of reviews."""
    make_project(folder, SETTINGS | {"download": {"source": "source/reviews.json.gz"}})
    write_reviews(folder / "source/reviews.json.gz", reviews)


def run_pipeline(folder: Path) -> list[Row]:
    """Run `dvc repro`; return a row for each stage, in the order in which they ran."""
    rows, name, began, before = [], "", 0.0, 0.0
    environment = os.environ | {"PYTHONUNBUFFERED": "1", "DVC_NO_ANALYTICS": "true"}
    command = [sys.executable, "-m", "dvc", "repro"]
    with (
        (folder / "repro.log").open("w", buffering=1) as log,
        subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process,
        Memory(process.pid) as memory,
    ):

        def end_stage() -> None:
            nonlocal began, before
            now, cpu = time.perf_counter(), cpu_seconds(process.pid)
            if name:
                rows.append(Row(name, now - began, cpu - before, memory.peak / 1e9))
                print("{}: {:.0f} s, {:.0f} s of CPU, {:.2f} GB".format(*rows[-1]), flush=True)
            began, before, memory.peak = now, cpu, 0

        for line in process.stdout:
            log.write(line)
            if found := RUNNING.match(line):
                end_stage()
                name = found[1]
        end_stage()
    if process.returncode:
        sys.exit(f"dvc repro failed at {name}; see {folder / 'repro.log'}")
    return rows


class Memory:
    """Watches, in a thread, the memory of a process and of its descendants."""

    def __init__(self, pid: int):
        self.pid, self.peak = pid, 0  # bytes
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def watch(self) -> None:
        while not self.over.wait(PAUSE):
            self.peak = max(self.peak, sum(map(proportional_bytes, tree(self.pid))))

    def __enter__(self) -> "Memory":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()


def tree(pid: int) -> Iterator[int]:
    """Yield the process and all its descendants."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # it has ended
            for child in children.read_text().split():
                yield from tree(int(child))


def proportional_bytes(pid: int) -> int:
    """Return a process's memory; what several processes share is divided among them (PSS)."""
    with suppress(OSError):  # it has ended
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def cpu_seconds(pid: int) -> float:
    """Return the CPU seconds of a process and of its children that have ended."""
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return 0.0


# What training costs.


def speed(cell: str, device: str, settings_of: str) -> None:
    """Print the tokens per second that a network trains on, in one thread.

    Also print the tokens per epoch and the bytes of the encoded reviews.
    """
    import torch

    from spoilers.core import params
    from spoilers.core.allocator import keep_freed_memory
    from spoilers.text.reviews import load
    from spoilers.text.vocabulary import Vocabulary
    from spoilers.training.prepare import Choice, Data, prepare

    torch.set_num_threads(1)
    keep_freed_memory()
    settings = params.load(ROOT / "params.yaml")
    if settings_of == "suggested":
        settings = params.change(settings, SUGGESTED)
    reviews = load("data/splits/train.parquet", settings.train.max_tokens)
    data = Data(reviews, reviews, len(Vocabulary.load("data/splits/vocabulary.txt")), None)
    choice = Choice(cell, "adam", settings.optimizers.adam.learning_rate, settings.seed)
    training = prepare(
        choice, data, settings.model, settings.train, settings.optimizers, torch.device(device)
    )
    shares, tokens = training.shares(0, 0), 0
    for step, share in enumerate(itertools.islice(shares, WARM_UP + STEPS)):
        if step == WARM_UP:
            training.read()  # which waits for the device
            began, tokens = time.perf_counter(), 0
        training.step(share)
        tokens += share.tokens
    training.read()
    size = sum(array.nbytes for array in vars(reviews).values())
    print(tokens / (time.perf_counter() - began), len(reviews.ids), size)


def training_table(folder: Path, reviews: int) -> list[str]:
    """Tabulate the cost of an epoch on the whole Goodreads file, on each available device."""
    import torch

    lines = [
        "| | settings | device | thousand tokens/s | million tokens in an epoch | hours an epoch"
        " | encoded reviews, GB |",
        "|---|---|---|--:|--:|--:|--:|",
    ]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    devices = ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)
    for device, settings, cell in itertools.product(devices, ("params.yaml", "suggested"), ("lstm", "gru")):
        command = [sys.executable, "-m", "bench.full", cell, device, settings]
        done = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, check=True)
        per_second, *sizes = map(float, done.stdout.split())
        tokens, size = (GOODREADS / reviews * number for number in sizes)
        where = torch.cuda.get_device_name() if device == "cuda" else "one thread of this processor"
        lines.append(
            f"| {cell.upper()} | {settings} | {where} | {per_second / 1e3:,.0f} | {tokens / 1e6:,.0f}"
            f" | {tokens / per_second / 3600:.2f} | {size / 1e9:.2f} |"
        )
    return lines


# The tables.


def tabulate(rows: list[Row], quarter: list[Row], reviews: int) -> list[str]:
    """Return the stages' table; `quarter` holds the same stages on a quarter of the reviews."""
    lines = [
        "| stage | seconds | CPU seconds | peak memory, GB | reviews/s | CPU seconds with a quarter |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    less = {row.stage: row for row in quarter}
    for row in (*rows, together(rows)):
        few = less[row.stage] if row.stage in less else together(quarter)
        lines.append(
            f"| {row.stage} | {row.seconds:,.1f} | {row.cpu:,.1f} | {row.peak:.2f}"
            f" | {reviews / row.seconds:,.0f} | {few.cpu:,.1f} ({few.cpu / row.cpu:.2f}) |"
        )
    return lines


def together(rows: list[Row]) -> Row:
    rest = [row for row in rows if row.stage not in NETWORKS]
    return Row(
        "all but the two trainings",
        sum(row.seconds for row in rest),
        sum(row.cpu for row in rest),
        max(row.peak for row in rest),
    )


def main() -> None:
    if not Path("/proc/self/smaps_rollup").exists():
        sys.exit("bench.full reads memory from /proc, which only Linux has")
    reviews = int(os.environ.get("REVIEWS", GOODREADS))
    shutil.rmtree(FOLDER, ignore_errors=True)
    sizes, found = {"quarter": reviews // 4, "whole": reviews}, {}
    for name, count in sizes.items():
        make_synthetic(FOLDER / name, count)
    for name, count in sizes.items():
        print(f"{name}: {count:,} reviews", flush=True)
        found[name] = run_pipeline(FOLDER / name)
    size = (FOLDER / "whole/source/reviews.json.gz").stat().st_size / 1e6
    table = "\n".join(
        [
            f"{reviews:,} synthetic reviews in {size:,.0f} MB of gzip, {os.cpu_count()} processors, a load"
            f" of {os.getloadavg()[2]:.1f} over the last 15 minutes. Memory is that of DVC and all of the"
            f" stage's processes together, looked at every {PAUSE} seconds; what processes share counts"
            " once (PSS).",
            "",
            *tabulate(found["whole"], found["quarter"], reviews),
            "",
            f"What training on {GOODREADS:,} reviews costs, from {STEPS} steps on these, with the settings of"
            " params.yaml and with those that the README suggests for the whole file:",
            "",
            *training_table(FOLDER / "whole", reviews),
            "",
        ]
    )
    print(table)
    page.put(HEADING, BEGIN, END, table)
    print(f"The report is {FOLDER / 'whole/reports/report.html'}.")


if __name__ == "__main__":
    if len(sys.argv) > 1:  # in a child process
        speed(*sys.argv[1:])
    else:
        main()
