"""The optimizer study's tables: one shared rate, every rate, and each optimizer at its best rate."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from stages.errors import UserError
from stages.files import read_json
from stages.params import Sweep
from stages.results.evaluation import rounded
from stages.results.scores import ranking_scores

CONVERGED = 0.95  # of the way from prevalence to the best median average precision


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


Cells = dict[tuple[str, float], Cell]


def read_cells(folder: Path, settings: Sweep) -> Cells:
    """The cells that the parameters name, whatever else lies in the folder."""
    return {
        (name, rate): read_cell(folder / f"{name}-{rate}")
        for name in settings.optimizers
        for rate in sorted(settings.learning_rates)
    }


def read_cell(folder: Path) -> Cell:
    try:
        empty = (folder / "curves.csv").stat().st_size == 0
        curves = pd.DataFrame() if empty else pd.read_csv(folder / "curves.csv")
        test = pq.read_table(folder / "test.parquet")
        columns = {name: test[name].to_numpy() for name in test.column_names}
        return Cell(curves, read_json(folder / "runs.json"), columns, read_json(folder / "timings.json"))
    except OSError as error:
        raise UserError(f"{folder}: is missing or incomplete ({error.strerror}); run `dvc repro`") from error


def summarize(cells: Cells, labels: np.ndarray, settings: Sweep) -> dict:
    """Scores at the shared rate and at each optimizer's best rate: lists of records."""
    shared, best = [], []
    top = max((np.median(cell.precisions) for cell in cells.values() if not cell.diverged), default=0.0)
    goal = labels.mean() + CONVERGED * (top - labels.mean())
    for name in settings.optimizers:
        entry = describe(cells, name, settings.shared_learning_rate, labels, goal)
        shared.append({"optimizer": name, **entry})
        rates = [rate for rate in sorted(settings.learning_rates) if not cells[name, rate].diverged]
        if rates:
            chosen = max(rates, key=lambda rate: np.mean(cells[name, rate].precisions))
            edge = chosen in (min(settings.learning_rates), max(settings.learning_rates))
            entry = describe(cells, name, chosen, labels, goal)
            found = {"optimizer": name, "learning_rate": chosen, "at_edge_of_grid": int(edge)}
            best.append({**found, **entry})
    diverged = sum(cell.diverged for cell in cells.values())
    study = {"goal": round(float(goal), 4), "diverged_cells": diverged}
    return {"study": [study], "shared": shared, "best": best}


def describe(cells: Cells, name: str, rate: float, labels: np.ndarray, goal: float) -> dict[str, float]:
    cell = cells[name, rate]
    if cell.diverged:
        return {"diverged": 1}
    last = cell.curves.groupby("seed").last()
    tests = [ranking_scores(labels, scores) for scores in cell.test.values()]
    epochs = [epochs_to(goal, run) for _, run in cell.curves.groupby("seed")]
    entry = {
        "diverged": 0,
        "validation_average_precision": float(np.mean(cell.precisions)),
        "validation_average_precision_sd": float(np.std(cell.precisions, ddof=1)) if len(tests) > 1 else 0.0,
        "test_average_precision": float(np.mean([t["average_precision"] for t in tests])),
        "test_roc_auc": float(np.mean([t["roc_auc"] for t in tests])),
        "accuracy": float(last["accuracy"].mean()),
        "train_loss": float(last["train_loss"].mean()),
        "validation_loss": float(last["validation_loss"].mean()),
        "gradient_norm": float(cell.curves["gradient_norm"].mean()),
        "gradient_norm_sd": float(cell.curves["gradient_norm_sd"].mean()),
        "clipped": float(cell.curves["clipped"].mean()),
        "seeds_converged": sum(epoch is not None for epoch in epochs),
        "state_bytes_per_parameter": float(next(iter(cell.runs.values()))["state_bytes_per_parameter"]),
    }
    if all(epoch is not None for epoch in epochs):
        entry["epochs_to_convergence"] = float(np.mean(epochs))
    return rounded(entry)


def epochs_to(goal: float, run: pd.DataFrame) -> float | None:
    """The first evaluation at which the goal was reached, or None."""
    reached = run[run["average_precision"] >= goal]
    return float(reached["epoch"].iloc[0]) if len(reached) else None


def grid_table(cells: Cells, settings: Sweep) -> list[dict]:
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
    return rows


def curve_table(cells: Cells, summary: dict, column: str) -> list[dict]:
    """A curve per optimizer at its best rate, mean over seeds: `epoch`, then a column for each."""
    means = {
        best["optimizer"]: cells[best["optimizer"], best["learning_rate"]]
        .curves.groupby("epoch")[column]
        .mean()
        for best in summary["best"]
    }
    table = pd.DataFrame(means).reset_index()
    return table.to_dict("records")


def timing_table(cells: Cells, summary: dict) -> dict:
    """Seconds per step and per run of each optimizer at its best rate, mean over seeds."""
    table = []
    for best in summary["best"]:
        timings = cells[best["optimizer"], best["learning_rate"]].timings.values()
        steps, runs = [t["seconds_per_step"] for t in timings], [t["seconds"][-1] for t in timings]
        scores = {"milliseconds_per_step": 1000 * np.mean(steps), "seconds": np.mean(runs)}
        table.append({"optimizer": best["optimizer"], **{k: round(float(v), 2) for k, v in scores.items()}})
    return {"best": table}
