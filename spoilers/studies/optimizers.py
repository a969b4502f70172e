"""The optimizer study's tables: one shared rate, every rate, and each optimizer at its best rate.

Scores that a table of validation gives choose a rate; those on test compare the optimizers at the
rates so chosen, once.
"""

import shutil
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from spoilers.core.errors import UserError
from spoilers.core.files import read_json
from spoilers.core.params import Evaluate, Sweep
from spoilers.metrics.evaluation import rounded
from spoilers.metrics.intervals import Ranking, Resamples, holm_intervals
from spoilers.metrics.scores import ranking_scores

CONVERGED = 0.95  # of the way from prevalence to the best median of all cells and evaluations
WORKS = 0.5  # of the same way: what a rate must reach on average to count as one that works
# The columns, or the beginnings of their names, that are averaged over the evaluations and seeds.
AVERAGED = ("gradient_norm", "clipped", "effective_step_", "update_ratio_")
# Where the runs of all seeds ended.
FINAL = ("train_loss", "validation_loss", "accuracy", "f1")


@dataclass(frozen=True)
class Cell:
    """What one optimizer did at one learning rate, over the seeds."""

    curves: pd.DataFrame  # one row per seed and evaluation; empty where all seeds diverged at once
    runs: dict[str, dict]
    test: dict[str, np.ndarray]  # seed -> probabilities of the test reviews
    timings: dict[str, dict]

    @property
    def diverged(self) -> bool:
        return any(run["diverged"] for run in self.runs.values())

    @property
    def precisions(self) -> list[float]:
        """Best validation average precision of each seed; none where a seed diverged."""
        return [] if self.diverged else [run["average_precision"] for run in self.runs.values()]

    @property
    def median(self) -> pd.Series:
        """Median over the seeds of the validation average precision at each evaluation, by epoch."""
        return self.curves.groupby("epoch")["average_precision"].median()


@dataclass(frozen=True)
class Splits:
    """What the summary needs to know of the reviews."""

    validation: np.ndarray  # labels
    test: np.ndarray  # labels
    books: np.ndarray  # of the test reviews


Cells = dict[tuple[str, float], Cell]


def cell_name(optimizer: str, rate: float) -> str:
    """Return what a cell's folder is called, as in dvc.yaml."""
    return f"{optimizer}-{rate}"


def remove_stale_cells(folder: Path, timings: Path, settings: Sweep) -> None:
    """Delete the cells that the parameters no longer name.

    DVC takes a hash of the whole folder, so that a cell left over from other parameters would look like a
    change. The cells are in DVC's cache, and come back from there when the parameters name them again.
    """
    named = {cell_name(name, rate) for name in settings.optimizers for rate in settings.learning_rates}
    for path in folder.glob("*/"):
        if path.name not in named:
            shutil.rmtree(path)
    for path in timings.glob("*.json"):
        if path.stem not in named:
            path.unlink()


def read_cells(folder: Path, timings: Path, settings: Sweep) -> Cells:
    """Read the cells that the parameters name, each with the seconds that it took."""
    cells = {}
    for name in settings.optimizers:
        for rate in sorted(settings.learning_rates):
            cell = cell_name(name, rate)
            cells[name, rate] = read_cell(folder / cell, timings / f"{cell}.json")
    return cells


def read_cell(folder: Path, timings: Path) -> Cell:
    """Read one cell.

    Raises:
        UserError: a file is missing.
    """
    try:
        empty = (folder / "curves.csv").stat().st_size == 0
        curves = pd.DataFrame() if empty else pd.read_csv(folder / "curves.csv")
        test = pq.read_table(folder / "test.parquet")
        columns = {name: test[name].to_numpy() for name in test.column_names}
        return Cell(curves, read_json(folder / "runs.json"), columns, read_json(timings))
    except OSError as error:
        raise UserError(f"{folder}: is missing or incomplete ({error.strerror}); run `dvc repro`") from error


def read_splits(folder: Path) -> Splits:
    test = pq.read_table(folder / "test.parquet", columns=["label", "book_id"])
    validation = pq.read_table(folder / "validation.parquet", columns=["label"])["label"].to_numpy()
    return Splits(validation, test["label"].to_numpy(), test["book_id"].to_numpy(zero_copy_only=False))


def summarize(cells: Cells, splits: Splits, settings: Sweep, evaluate: Evaluate, seed: int) -> dict:
    """Scores at the shared rate and at each optimizer's best rate, and their differences, as records."""
    prevalence = float(splits.validation.mean())
    top = max((cell.median.max() for cell in cells.values() if not cell.diverged), default=prevalence)
    goal = round(float(prevalence + CONVERGED * (top - prevalence)), 4)
    works = prevalence + WORKS * (top - prevalence)
    rates = sorted(settings.learning_rates)
    shared, best = [], []
    for name in settings.optimizers:
        common = {"optimizer": name, "learning_rate": settings.shared_learning_rate}
        shared.append({**common, **describe(cells[name, settings.shared_learning_rate], splits, goal)})
        good = [rate for rate in rates if not cells[name, rate].diverged]
        if good:
            means = {rate: float(np.mean(cells[name, rate].precisions)) for rate in good}
            chosen = max(good, key=means.get)
            # A rate that diverged gives no better than chance.
            lowest = min([*means.values(), *([prevalence] if len(good) < len(rates) else [])])
            found = {
                "optimizer": name,
                "learning_rate": chosen,
                "at_edge_of_grid": int(chosen in (rates[0], rates[-1])),
                "rates_that_work": int(sum(mean >= works for mean in means.values())),
                "rates_diverged": len(rates) - len(good),
                "range_over_rates": round(means[chosen] - lowest, 4),
            }
            best.append({**found, **describe(cells[name, chosen], splits, goal)})
    study = {
        "prevalence": round(prevalence, 4),
        "goal": goal,
        "works": round(float(works), 4),
        "rates": len(rates),
        "cells": len(cells),
        "diverged_cells": sum(cell.diverged for cell in cells.values()),
        "test_books": len(np.unique(splits.books)),
    }
    chosen = {entry["optimizer"]: cells[entry["optimizer"], entry["learning_rate"]] for entry in best}
    pairs = differences(chosen, splits, evaluate, seed)
    return {"study": study, "shared": shared, "best": best, "differences": pairs}


def describe(cell: Cell, splits: Splits, goal: float) -> dict[str, float]:
    """One cell in numbers: scores as means over seeds, with the spread (sd) of those that judge."""
    if cell.diverged:
        return {"diverged": 1}
    runs = [run for _, run in cell.curves.groupby("seed")]
    tests = [ranking_scores(splits.test, scores) for scores in cell.test.values()]
    precisions = [scores["average_precision"] for scores in tests]
    first = evaluation_at(goal, cell)
    entry = {
        "diverged": 0,
        "validation_average_precision": float(np.mean(cell.precisions)),
        "validation_average_precision_sd": spread(cell.precisions),
        "test_average_precision": float(np.mean(precisions)),
        "test_average_precision_sd": spread(precisions),
        "test_roc_auc": float(np.mean([scores["roc_auc"] for scores in tests])),
        **{name: float(np.mean([run[name].iloc[-1] for run in runs])) for name in FINAL},
        "validation_loss_rose": float(np.mean([share_of_rises(run["validation_loss"]) for run in runs])),
        "reviews_seen": int(runs[0]["reviews"].iloc[-1]),
        "seeds_converged": sum(bool((run["average_precision"] >= goal).any()) for run in runs),
        "state_bytes_per_parameter": float(next(iter(cell.runs.values()))["state_bytes_per_parameter"]),
    }
    if first is not None:
        entry["epochs_to_convergence"] = float(cell.median.index[first])
    # Six significant digits: these span many orders of magnitude.
    averaged = [name for name in cell.curves if name.startswith(AVERAGED)]
    means = {name: float(f"{cell.curves[name].mean():.6g}") for name in averaged}
    return {**rounded(entry), **means}


def spread(values: list[float]) -> float:
    """The standard deviation over seeds; 0 for a single one, which has none to show."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


def share_of_rises(losses: pd.Series) -> float:
    """At what share of a run's evaluations the loss was above the one before; 0 for a single evaluation."""
    return float((losses.diff().iloc[1:] > 0).mean()) if len(losses) > 1 else 0.0


def evaluation_at(goal: float, cell: Cell) -> int | None:
    """The number of the first evaluation at which the median over the seeds reached the goal, or None."""
    reached = np.flatnonzero(cell.median >= goal)
    return int(reached[0]) if len(reached) else None


def differences(chosen: dict[str, Cell], splits: Splits, evaluate: Evaluate, seed: int) -> list[dict]:
    """Test average precision of each pair of optimizers, first minus second, each at its best rate.

    Paired twice over: both are scored on the same drawn books, and with the same drawn seeds, for
    a seed means the same initial weights and batches. Seeds are drawn along with the books, since
    both vary (Bouthillier et al., 2021); with two or three of them their share in the intervals'
    width is too small.
    """
    if len(chosen) < 2:
        return []
    seeds = list(next(iter(chosen.values())).runs)
    resamples = Resamples.of(splits.books, evaluate.bootstrap, seed)
    draw = np.random.default_rng([seed, len(seeds)])
    drawn = draw.multinomial(len(seeds), np.full(len(seeds), 1 / len(seeds)), size=evaluate.bootstrap) / len(
        seeds
    )
    scores, resampled = {}, {}
    for name, cell in chosen.items():
        rankings = [Ranking(splits.test, cell.test[seed]) for seed in seeds]
        everything = np.ones((1, len(splits.test)))
        scores[name] = float(np.mean([ranking.average_precision(everything) for ranking in rankings]))
        values = np.stack([resamples.apply(ranking.average_precision) for ranking in rankings], axis=1)
        resampled[name] = (values * drawn).sum(axis=1)
    pairs = [(a, b) if scores[a] >= scores[b] else (b, a) for a, b in combinations(chosen, 2)]
    found = holm_intervals(
        [resampled[a] - resampled[b] for a, b in pairs], evaluate.confidence, resamples.books
    )
    return [
        {
            "first": a,
            "second": b,
            **rounded({"average_precision": scores[a] - scores[b], "low": one.low, "high": one.high}),
            "confidence": round(one.confidence, 4),
            "shown": int(one.shown),
        }
        for (a, b), one in zip(pairs, found, strict=True)
    ]


def grid_table(cells: Cells) -> pd.DataFrame:
    """Every cell: the mean and the extremes of its validation average precision, and whether it diverged."""
    rows = []
    for (name, rate), cell in cells.items():
        precisions = cell.precisions or [float("nan")]
        rows.append(
            {
                "optimizer": name,
                "learning_rate": rate,
                "average_precision": float(np.mean(precisions)),
                "lowest": min(precisions),
                "highest": max(precisions),
                "diverged": int(cell.diverged),
            }
        )
    return pd.DataFrame(rows)


def run_table(cells: Cells, summary: dict) -> pd.DataFrame:
    """All that was recorded at the shared rate and at the best: a row per optimizer, seed and evaluation.

    Diverged cells are left out: beside their losses no other would be seen.
    """
    tables = [pd.DataFrame(columns=["choice", "optimizer"])]
    for choice in ("shared", "best"):
        for entry in summary[choice]:
            if not entry["diverged"]:
                curves = cells[entry["optimizer"], entry["learning_rate"]].curves
                tables.append(curves.assign(choice=choice, optimizer=entry["optimizer"]))
    return pd.concat(tables)


def curve_table(runs: pd.DataFrame, optimizers: list[str], column: str) -> pd.DataFrame:
    """A curve per optimizer at its best rate, mean over seeds: `epoch`, then a column for each."""
    best = runs[runs["choice"] == "best"]
    if best.empty:
        return pd.DataFrame(columns=["epoch", *optimizers])
    means = best.pivot_table(column, "epoch", "optimizer")
    return means.reindex(columns=optimizers).rename_axis(columns=None).reset_index()


def timing_table(cells: Cells, summary: dict) -> dict:
    """Seconds of each optimizer at its best rate: of a step, a run, to each evaluation, to convergence."""
    table = []
    for best in summary["best"]:
        cell = cells[best["optimizer"], best["learning_rate"]]
        timings = cell.timings.values()
        steps = [t["seconds_per_step"] for t in timings]
        seconds = np.mean([t["seconds"] for t in timings], axis=0)
        entry = {
            "optimizer": best["optimizer"],
            "milliseconds_per_step": round(1000 * float(np.mean(steps)), 2),
            "seconds": round(float(seconds[-1]), 2),
            "seconds_at_evaluations": [round(float(s), 3) for s in seconds],
        }
        if "epochs_to_convergence" in best:
            entry["seconds_to_convergence"] = entry["seconds_at_evaluations"][
                evaluation_at(summary["study"]["goal"], cell)
            ]
        table.append(entry)
    return {"best": table}
