"""The optimizer study's tables: one shared rate, every rate, and each optimizer at its best rate.

Validation scores choose each optimizer's rate; test scores compare the optimizers once, at the chosen
rates.
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

# Shares of the way from chance to the best median of all cells and evaluations, by their percentages.
GOALS = {"50": 0.5, "80": 0.8, "95": 0.95}
WORKS, CONVERGED = "50", "95"  # goals that a working rate and a converged optimizer reach
OPTIMIZERS = ("sgd", "momentum", "rmsprop", "adam")
# The columns, or the beginnings of their names, that are averaged over the evaluations and seeds.
AVERAGED = ("gradient_norm", "clipped", "effective_step_", "update_ratio_")
# The columns whose last values are averaged over the seeds.
FINAL = ("train_loss", "validation_loss", "accuracy", "f1")


@dataclass(frozen=True)
class Cell:
    """The results of one optimizer at one learning rate, over the seeds."""

    curves: pd.DataFrame  # one row per seed and evaluation; empty where all seeds diverged at once
    runs: dict[str, dict]
    test: dict[str, np.ndarray]  # seed -> probabilities of the test reviews
    timings: dict[str, dict]

    @property
    def diverged(self) -> bool:
        return any(run["diverged"] for run in self.runs.values())

    @property
    def precisions(self) -> list[float]:
        """Return the best validation average precision of each seed; none where a seed diverged."""
        return [] if self.diverged else [run["average_precision"] for run in self.runs.values()]

    @property
    def by_seed(self) -> pd.DataFrame:
        """Return validation average precision by epoch and seed; a run that ended keeps its last value."""
        return self.curves.pivot(index="epoch", columns="seed", values="average_precision").ffill()

    @property
    def median(self) -> pd.Series:
        """Return the seeds' median of validation average precision at each evaluation, by epoch."""
        return self.by_seed.median(axis=1)


@dataclass(frozen=True)
class Splits:
    """The data on the reviews that the summary needs."""

    validation: np.ndarray  # labels
    test: np.ndarray  # labels
    books: np.ndarray  # of the test reviews


Cells = dict[tuple[str, float], Cell]


def remove_stale_cells(folder: Path, timings: Path, settings: Sweep) -> None:
    """Remove the cells that the parameters no longer name; DVC does not delete them."""
    for path in folder.glob("*/"):
        if path.name not in settings.cells:
            shutil.rmtree(path)
    for path in timings.glob("*.json"):
        if path.stem not in settings.cells:
            path.unlink()


def read_cells(folder: Path, timings: Path, settings: Sweep) -> Cells:
    """Read the cells that the parameters name, each with its timings."""
    return {
        (optimizer, rate): read_cell(folder / cell, timings / f"{cell}.json")
        for optimizer, rates in settings.grid.items()
        for rate, cell in rates.items()
    }


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
    """Return scores at the shared rate and at each optimizer's best rate, and their differences."""
    prevalence = float(splits.validation.mean())
    top = max((cell.median.max() for cell in cells.values() if not cell.diverged), default=prevalence)
    goals = {name: round(float(prevalence + share * (top - prevalence)), 4) for name, share in GOALS.items()}
    shared, best = [], []
    for name, rates in settings.grid.items():
        mine = {rate: cells[name, rate] for rate in rates}
        common = {"optimizer": name, "learning_rate": settings.shared_learning_rate}
        shared.append({**common, **describe(mine[settings.shared_learning_rate], splits, goals)})
        if found := best_rate(mine, prevalence, goals[WORKS]):
            cell = mine[found["learning_rate"]]
            best.append({"optimizer": name, **found, **describe(cell, splits, goals)})
    study = {
        "prevalence": round(prevalence, 4),
        "goals": goals,
        "goal": goals[CONVERGED],
        "works": goals[WORKS],
        "rates": max(map(len, settings.grid.values())),
        "cells": len(cells),
        "diverged_cells": sum(cell.diverged for cell in cells.values()),
        "test_books": len(np.unique(splits.books)),
    }
    chosen = {entry["optimizer"]: cells[entry["optimizer"], entry["learning_rate"]] for entry in best}
    pairs = differences(chosen, splits, evaluate, seed)
    return {"study": study, "shared": shared, "best": best, "differences": pairs}


def best_rate(cells: dict[float, Cell], prevalence: float, works: float) -> dict:
    """Return an optimizer's best rate and how much it matters; nothing if all of its rates diverged."""
    means = {rate: float(np.mean(cell.precisions)) for rate, cell in cells.items() if not cell.diverged}
    if not means:
        return {}
    chosen = max(means, key=means.get)
    # A rate that diverged scores no better than chance.
    lowest = min([*means.values(), *([prevalence] if len(means) < len(cells) else [])])
    return {
        "learning_rate": chosen,
        "rates": len(cells),
        "at_edge_of_grid": int(chosen in (min(cells), max(cells))),
        "rates_that_work": int(sum(mean >= works for mean in means.values())),
        "rates_diverged": len(cells) - len(means),
        "range_over_rates": round(means[chosen] - lowest, 4),
    }


def describe(cell: Cell, splits: Splits, goals: dict[str, float]) -> dict:
    """Summarize a cell: mean scores over seeds, with the standard deviations of average precision."""
    if cell.diverged:
        return {"diverged": 1}
    runs = [run for _, run in cell.curves.groupby("seed")]
    tests = [ranking_scores(splits.test, scores) for scores in cell.test.values()]
    precisions = [scores["average_precision"] for scores in tests]
    reached = {name: evaluation_from(goal, cell.median) for name, goal in goals.items()}
    converged = [evaluation_from(goals[CONVERGED], curve) for _, curve in cell.by_seed.items()]
    entry = {
        "diverged": 0,
        "validation_average_precision": float(np.mean(cell.precisions)),
        "validation_average_precision_sd": spread(cell.precisions),
        "test_average_precision": float(np.mean(precisions)),
        "test_average_precision_sd": spread(precisions),
        "test_roc_auc": float(np.mean([scores["roc_auc"] for scores in tests])),
        **{name: float(np.mean([run[name].iloc[-1] for run in runs])) for name in FINAL},
        "validation_loss_rose": float(np.mean([share_of_rises(run["validation_loss"]) for run in runs])),
        "reviews_seen": int(max(run["reviews"].iloc[-1] for run in runs)),
        "seeds_converged": sum(at is not None for at in converged),
        "state_bytes_per_parameter": float(next(iter(cell.runs.values()))["state_bytes_per_parameter"]),
    }
    if reached[CONVERGED] is not None:
        entry["epochs_to_convergence"] = float(cell.median.index[reached[CONVERGED]])
    epochs = {name: None if at is None else float(cell.median.index[at]) for name, at in reached.items()}
    # Six significant digits: these span many orders of magnitude.
    averaged = [name for name in cell.curves if name.startswith(AVERAGED)]
    means = {name: float(f"{cell.curves[name].mean():.6g}") for name in averaged}
    return {**rounded(entry), **knows_nothing(cell, runs, splits), "epochs_to": epochs, **means}


def knows_nothing(cell: Cell, runs: list[pd.DataFrame], splits: Splits) -> dict[str, int]:
    """Return marks (1 or 0): whether all seeds' last scores are those of a model that reads nothing.

    Its accuracy is then the majority class's, and its loss is not below the base-rate loss.
    """
    share = float(splits.validation.mean())
    majority = max(share, 1 - share)
    one_review = 1 / len(splits.validation)
    base = min(run["base_rate_loss"] for run in cell.runs.values())
    return {
        "accuracy_is_majority": int(
            all(abs(run["accuracy"].iloc[-1] - majority) < one_review / 2 for run in runs)
        ),
        "loss_is_base_rate": int(all(run["validation_loss"].iloc[-1] >= base for run in runs)),
        "seeds_ended_early": sum(run["ended_early"] for run in cell.runs.values()),
    }


def spread(values: list[float]) -> float:
    """Return the standard deviation over seeds; 0 for a single one, which has none to show."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


def share_of_rises(losses: pd.Series) -> float:
    """Return the share of a run's evaluations with a loss above the one before; 0 for a single evaluation."""
    return float((losses.diff().iloc[1:] > 0).mean()) if len(losses) > 1 else 0.0


def evaluation_from(goal: float, curve: pd.Series) -> int | None:
    """Return the evaluation from which the curve stays at the goal or above; None if it never does."""
    below = np.flatnonzero(curve.to_numpy() < goal)
    first = int(below[-1]) + 1 if len(below) else 0
    return first if first < len(curve) else None


def differences(chosen: dict[str, Cell], splits: Splits, evaluate: Evaluate, seed: int) -> list[dict]:
    """Return each pair's difference in test average precision, each optimizer at its best rate.

    The optimizers are paired twice: they are scored on the same drawn books, and with the same drawn
    seeds, as a seed fixes initial weights and batches. Seeds are drawn along with the books, since
    both vary (Bouthillier et al., 2021); two or three seeds contribute too little to the intervals'
    width.
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
    """Return every cell's mean and extremes of validation average precision, and whether it diverged."""
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
    """Return the records at the shared rate and at the best: a row per optimizer, seed and evaluation.

    Diverged cells are left out, since their losses would dwarf all others.
    """
    tables = [pd.DataFrame(columns=["choice", "optimizer"])]
    for choice in ("shared", "best"):
        for entry in summary[choice]:
            if not entry["diverged"]:
                curves = cells[entry["optimizer"], entry["learning_rate"]].curves
                tables.append(curves.assign(choice=choice, optimizer=entry["optimizer"]))
    return pd.concat(tables)


def curve_table(runs: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return each optimizer's mean curve over seeds at its best rate: `epoch`, then a column for each."""
    best = runs[runs["choice"] == "best"]
    if best.empty:
        return pd.DataFrame(columns=["epoch", *OPTIMIZERS])
    means = best.pivot_table(column, "epoch", "optimizer")
    return means.reindex(columns=OPTIMIZERS).rename_axis(columns=None).reset_index()


def timing_table(cells: Cells, summary: dict) -> dict:
    """Return the seconds of each optimizer at the shared rate and at its best."""
    return {
        choice: [
            {
                "optimizer": entry["optimizer"],
                **seconds_of(cells[entry["optimizer"], entry["learning_rate"]], summary["study"]["goals"]),
            }
            for entry in summary[choice]
            if not entry["diverged"]
        ]
        for choice in ("shared", "best")
    }


def seconds_of(cell: Cell, goals: dict[str, float]) -> dict:
    """Return the mean seconds per step, per run, to each evaluation and to each goal; None for never."""
    steps = [run["seconds_per_step"] for run in cell.timings.values()]
    seconds = pd.DataFrame([run["seconds"] for run in cell.timings.values()]).mean().round(3).tolist()
    reached = {name: evaluation_from(goal, cell.median) for name, goal in goals.items()}
    entry = {
        "milliseconds_per_step": round(1000 * float(np.mean(steps)), 2),
        "seconds": round(seconds[-1], 2),
        "seconds_at_evaluations": seconds,
        "seconds_to": {name: None if at is None else seconds[at] for name, at in reached.items()},
    }
    if reached[CONVERGED] is not None:
        entry["seconds_to_convergence"] = seconds[reached[CONVERGED]]
    return entry
