"""The optimizer study's summary, on cells made by hand."""

import numpy as np
import pandas as pd
import pytest

from stages import params
from stages.results import study

LABELS = np.array([1, 0, 1, 0, 0, 0, 1, 0], np.float32)
SETTINGS = params.load().sweep.model_copy(
    update={"optimizers": ["sgd", "adam"], "learning_rates": [0.1, 0.01, 1.0], "shared_learning_rate": 0.1}
)


def cell(*precisions: list[float], diverged: bool = False) -> study.Cell:
    """A cell with one list of average precisions per seed."""
    rows, runs = [], {}
    for seed, values in enumerate(precisions):
        constant = {"accuracy": 0.8, "train_loss": 0.4, "validation_loss": 0.5, "clipped": 0.1}
        norms = {"gradient_norm": 1.0, "gradient_norm_sd": 0.1}
        for epoch, value in enumerate(values, 1):
            rows.append({"seed": seed, "epoch": epoch, "average_precision": value, **constant, **norms})
        best = None if diverged else max(values)
        runs[str(seed)] = {"diverged": diverged, "average_precision": best, "state_bytes_per_parameter": 8.0}
    test = {str(seed): np.linspace(0, 1, len(LABELS), dtype=np.float32) for seed in range(len(precisions))}
    timings = {
        str(seed): {"seconds": [1.0, 3.0], "seconds_per_step": 0.01} for seed in range(len(precisions))
    }
    return study.Cell(pd.DataFrame(rows), runs, test, timings)


CELLS = {
    ("sgd", 0.01): cell([0.30, 0.35], [0.30, 0.31]),
    ("sgd", 0.1): cell([0.30, 0.40], [0.40, 0.50]),
    ("sgd", 1.0): cell([0.2], [0.2], diverged=True),
    ("adam", 0.01): cell([0.60, 0.90], [0.90, 0.80]),
    ("adam", 0.1): cell([0.50, 0.60], [0.50, 0.55]),
    ("adam", 1.0): cell([0.30, 0.30], [0.30, 0.30]),
}


def test_summary() -> None:
    summary = study.summarize(CELLS, LABELS, SETTINGS)
    prevalence = 3 / 8
    assert summary["study"] == [
        {"goal": round(prevalence + 0.95 * (0.9 - prevalence), 4), "diverged_cells": 1}
    ]
    sgd, adam = summary["best"]
    assert (sgd["optimizer"], sgd["learning_rate"], sgd["at_edge_of_grid"]) == ("sgd", 0.1, 0)
    assert (adam["optimizer"], adam["learning_rate"], adam["at_edge_of_grid"]) == ("adam", 0.01, 1)
    assert sgd["validation_average_precision"] == pytest.approx(0.45)
    assert sgd["validation_average_precision_sd"] == pytest.approx(np.std([0.4, 0.5], ddof=1), abs=1e-4)
    assert sgd["seeds_converged"] == 0
    assert "epochs_to_convergence" not in sgd
    assert adam["epochs_to_convergence"] == pytest.approx(1.5)
    assert [entry["optimizer"] for entry in summary["shared"]] == ["sgd", "adam"]
    assert summary["shared"][1]["validation_average_precision"] == pytest.approx(0.575)


def test_a_diverged_shared_cell_says_so() -> None:
    settings = SETTINGS.model_copy(update={"shared_learning_rate": 1.0})
    assert study.summarize(CELLS, LABELS, settings)["shared"][0] == {"optimizer": "sgd", "diverged": 1}


def test_all_diverged() -> None:
    cells = {key: cell([0.2], diverged=True) for key in CELLS}
    summary = study.summarize(cells, LABELS, SETTINGS)
    assert summary["best"] == []
    assert summary["study"][0]["diverged_cells"] == 6


def test_tables() -> None:
    grid = study.grid_table(CELLS, SETTINGS)
    assert len(grid) == 6
    assert grid[2]["diverged"] == 1
    assert (grid[1]["lowest"], grid[1]["highest"]) == (0.4, 0.5)
    summary = study.summarize(CELLS, LABELS, SETTINGS)
    curves = study.curve_table(CELLS, summary, "average_precision")
    assert [row["epoch"] for row in curves] == [1, 2]
    assert curves[1]["adam"] == pytest.approx(0.85)
    times = study.timing_table(CELLS, summary)["best"]
    assert times[0] == {"optimizer": "sgd", "milliseconds_per_step": 10.0, "seconds": 3.0}


def test_a_missing_cell_is_one_line(tmp_path) -> None:
    with pytest.raises(study.UserError, match=r"sgd-0\.01: is missing"):
        study.read_cells(tmp_path, SETTINGS)
