"""Show trainings as they run: a progress bar, lines of text, and a curve to plot."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from spoilers.core.errors import UserError
from spoilers.core.files import write_text
from spoilers.metrics.tables import to_csv

CURVES = ("average_precision", "train_loss", "validation_loss")


class Update(NamedTuple):
    """A progress update from a training."""

    seed: int
    tokens: int = 0  # trained on since the last update
    text: str = ""
    history: list[dict] | None = None  # the rows of all its validations so far


class Watch:
    """Shows trainings that differ in their seed: a bar of all tokens on a terminal, and lines.

    With a path `curve`, the mean over the seeds is written to it after each validation and at the end. If
    a write in between fails, a line says so: training can go on without it.
    """

    def __init__(self, name: str, tokens: int, curve: Path | None):
        self.name, self.curve = name, curve
        self.histories: dict[int, list[dict]] = {}
        self.bar = tqdm(desc=name, total=tokens, unit="token", unit_scale=True, disable=None)

    def __call__(self, update: Update) -> None:
        self.bar.update(update.tokens)
        if update.history:
            self.histories[update.seed] = update.history
            try:
                self.write_curve()
            except UserError as error:
                print(f"the curve was not written, training goes on ({error})", file=sys.stderr, flush=True)
        if update.text:
            tqdm.write(f"{self.name}, seed {update.seed}: {update.text}")
            sys.stdout.flush()

    def write_curve(self) -> None:
        if self.curve and self.histories:
            histories = [self.histories[seed] for seed in sorted(self.histories)]
            write_text(self.curve, to_csv(mean_curve(histories)))

    def __enter__(self) -> "Watch":
        return self

    def __exit__(self, problem: type[BaseException] | None, *_: object) -> None:
        self.bar.close()
        if problem is None:
            self.write_curve()


def mean_curve(histories: Iterable[list[dict]]) -> list[dict]:
    """Return the mean and the range over seeds at each validation; a seed counts as long as it ran."""
    histories = list(histories)
    rows = []
    for i in range(max(map(len, histories))):
        there = [history[i] for history in histories if len(history) > i]
        row = {"epoch": there[0]["epoch"], "seeds": len(there)}
        for name in CURVES:
            values = [one[name] for one in there]
            row |= {name: sum(values) / len(values), f"{name}_low": min(values), f"{name}_high": max(values)}
        rows.append(row)
    return rows
