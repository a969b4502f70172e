"""The optimizer study's summary, on cells made by hand."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from spoilers.core import params
from spoilers.core.errors import UserError
from spoilers.core.files import write_json
from spoilers.studies import optimizers as study
from stages import sweep_summary

LABELS = np.array([1, 0, 1, 0, 0, 0, 1, 0], np.float32)
SPLITS = study.Splits(LABELS, LABELS, np.array(["a", "a", "b", "b", "c", "c", "d", "d"]))
PREVALENCE = 3 / 8
NAMES = [f"{name}-{rate}" for name in ("sgd", "adam") for rate in (0.1, 0.01, 1.0)]
SETTINGS = params.replace(params.load().sweep, cells=NAMES, shared_learning_rate=0.1)
EVALUATE = params.load().evaluate.model_copy(update={"bootstrap": 200})
AVERAGED = ("gradient_norm", "gradient_norm_sd", "clipped", "effective_step_embedding", "update_ratio_output")
RIGHT = np.where(LABELS > 0, 0.9, 0.1).astype(np.float32)


def cell(*precisions: list[float], diverged: bool = False, test: np.ndarray | None = None) -> study.Cell:
    """Make a cell from each seed's average precisions."""
    rows, runs = [], {}
    for seed, values in enumerate(precisions):
        constant = {"accuracy": 0.8, "f1": 0.6, "train_loss": 0.4, **dict.fromkeys(AVERAGED, 0.125)}
        for epoch, value in enumerate(values, 1):
            row = {"seed": seed, "reviews": 10 * epoch, "epoch": epoch, "average_precision": value}
            rows.append({**row, "validation_loss": 1 - value, **constant})
        best = None if diverged else max(values)
        runs[str(seed)] = {
            "diverged": diverged,
            "ended_early": False,
            "average_precision": best,
            "base_rate_loss": 0.55,
            "state_bytes_per_parameter": 8.0,
        }
    scores = np.linspace(0, 1, len(LABELS), dtype=np.float32) if test is None else test
    timings = {
        str(seed): {"seconds": [1.0 + seed, 3.0 + seed], "seconds_per_step": 0.01}
        for seed in range(len(precisions))
    }
    return study.Cell(pd.DataFrame(rows), runs, {seed: scores for seed in runs}, timings)


CELLS = {
    ("sgd", 0.01): cell([0.40, 0.42], [0.40, 0.41]),
    ("sgd", 0.1): cell([0.50, 0.40], [0.30, 0.50]),
    ("sgd", 1.0): cell([0.2], [0.2], diverged=True),
    ("adam", 0.01): cell([0.60, 0.90], [0.90, 0.80], test=RIGHT),
    ("adam", 0.1): cell([0.50, 0.60], [0.50, 0.55]),
    ("adam", 1.0): cell([0.30, 0.30], [0.30, 0.30]),
}


def summarize(cells: study.Cells = CELLS, settings=SETTINGS) -> dict:
    return study.summarize(cells, SPLITS, settings, EVALUATE, seed=1)


def test_summary() -> None:
    summary = summarize()
    # The medians over the seeds of adam at 0.01 are 0.75 and 0.85.
    works, between, goal = (PREVALENCE + share * (0.85 - PREVALENCE) for share in (0.5, 0.8, 0.95))
    found = summary["study"]
    assert (found.pop("goal"), found.pop("works")) == pytest.approx((goal, works), abs=1e-4)
    assert found.pop("goals") == pytest.approx({"50": works, "80": between, "95": goal}, abs=1e-4)
    assert found == {
        "prevalence": PREVALENCE,
        "rates": 3,
        "cells": 6,
        "diverged_cells": 1,
        "test_books": 4,
    }
    sgd, adam = summary["best"]
    assert (sgd["optimizer"], sgd["learning_rate"], sgd["at_edge_of_grid"]) == ("sgd", 0.1, 0)
    assert (adam["optimizer"], adam["learning_rate"], adam["at_edge_of_grid"]) == ("adam", 0.01, 1)
    assert (sgd["rates_that_work"], adam["rates_that_work"]) == (0, 1)
    assert (sgd["rates_diverged"], adam["rates_diverged"]) == (1, 0)
    assert adam["range_over_rates"] == pytest.approx(0.9 - 0.3)
    assert sgd["range_over_rates"] == pytest.approx(0.5 - PREVALENCE)  # the rate that diverged
    assert adam["validation_average_precision"] == pytest.approx(0.9)
    assert sgd["validation_average_precision_sd"] == 0
    assert (sgd["seeds_converged"], adam["seeds_converged"]) == (0, 1)  # the other one's last score is below
    assert sgd["epochs_to"] == {"50": None, "80": None, "95": None}
    assert adam["epochs_to"] == {"50": 1, "80": 2, "95": 2}
    assert (sgd["accuracy_is_majority"], sgd["loss_is_base_rate"]) == (0, 0)
    assert "epochs_to_convergence" not in sgd
    assert adam["epochs_to_convergence"] == 2
    assert adam["test_average_precision"] == 1
    assert sgd["reviews_seen"] == 20
    assert sgd["validation_loss_rose"] == 0.5  # for one seed and not the other
    assert sgd["effective_step_embedding"] == 0.125
    assert [entry["optimizer"] for entry in summary["shared"]] == ["sgd", "adam"]
    assert summary["shared"][1]["validation_average_precision"] == pytest.approx(0.575)


def test_a_goal_is_reached_where_the_curve_stays() -> None:
    curve = pd.Series([0.1, 0.5, 0.3, 0.6, 0.5])
    assert [study.evaluation_from(goal, curve) for goal in (0.0, 0.2, 0.4, 0.5, 0.55)] == [0, 1, 3, 3, None]


def test_what_is_no_better_than_knowing_nothing_is_marked() -> None:
    nothing = cell([0.4, 0.4], [0.4, 0.4])
    nothing.curves["accuracy"] = 5 / 8
    nothing.curves["validation_loss"] = 0.55
    entry = summarize({**CELLS, ("sgd", 0.1): nothing})["shared"][0]
    assert (entry["accuracy_is_majority"], entry["loss_is_base_rate"]) == (1, 1)


def test_a_run_that_was_ended_early_stays_where_it_was() -> None:
    assert cell([0.3, 0.5], [0.4]).median.tolist() == pytest.approx([0.35, 0.45])


def test_differences_are_of_the_better_and_the_worse() -> None:
    (pair,) = summarize()["differences"]
    assert (pair["first"], pair["second"], pair["confidence"]) == ("adam", "sgd", 0.95)
    assert pair["low"] <= pair["average_precision"] <= pair["high"]
    assert summarize()["differences"] == [pair]  # the same seed draws the same books


def test_equal_optimizers_do_not_differ() -> None:
    cells = {key: CELLS["adam", 0.01] for key in CELLS}
    (pair,) = summarize(cells)["differences"]
    assert (pair["average_precision"], pair["low"], pair["high"], pair["shown"]) == (0, 0, 0, 0)


def test_a_diverged_shared_cell_says_so() -> None:
    settings = params.replace(SETTINGS, shared_learning_rate=1.0)
    first = summarize(settings=settings)["shared"][0]
    assert first == {"optimizer": "sgd", "learning_rate": 1.0, "diverged": 1}


def test_a_single_seed_has_no_spread() -> None:
    cells = {
        key: cell(max(c.curves.groupby("seed")["average_precision"].apply(list))) for key, c in CELLS.items()
    }
    summary = summarize(cells)
    assert all(entry["validation_average_precision_sd"] == 0 for entry in summary["best"])
    assert summary["differences"][0]["low"] <= summary["differences"][0]["high"]


def write_cell(root, name: str, found: study.Cell) -> None:
    """Write a cell's files as `run_cell` does."""
    folder = root / "data/sweep" / name
    folder.mkdir(parents=True)
    table = found.curves if not found.diverged else pd.DataFrame()
    (folder / "curves.csv").write_text(table.to_csv(index=False) if len(table) else "")
    write_json(folder / "runs.json", found.runs)
    write_json(root / f"reports/timings/sweep/{name}.json", found.timings)
    pq.write_table(pa.table(found.test), folder / "test.parquet")


@pytest.mark.parametrize("lost", ["none", "some", "all"])
def test_the_stage_ends_well(tmp_path, monkeypatch, lost) -> None:
    """Write the tables, with a column or row for each optimizer, whatever has diverged."""
    bad = cell([0.2], [0.2], diverged=True)
    for (name, rate), found in CELLS.items():
        is_lost = lost == "all" or (lost == "some" and name == "sgd")
        write_cell(tmp_path, f"{name}-{rate}", bad if is_lost else found)
    (tmp_path / "data/study_data/sweep").mkdir(parents=True)
    for part in ("validation", "test"):
        rows = {"label": SPLITS.test > 0, "book_id": SPLITS.books}
        pq.write_table(pa.table(rows), tmp_path / f"data/study_data/sweep/{part}.parquet")
    settings = params.load().model_copy(update={"sweep": SETTINGS, "evaluate": EVALUATE})
    monkeypatch.setattr(params, "load", lambda: settings)
    monkeypatch.chdir(tmp_path)
    sweep_summary.main()
    curves = tmp_path / "reports/curves/sweep"
    assert (curves / "train_loss.csv").read_text().splitlines()[0] == "epoch,sgd,momentum,rmsprop,adam"
    grid = pd.read_csv(curves / "grid.csv")
    assert grid["diverged"].sum() == {"none": 1, "some": 3, "all": 6}[lost]
    runs = pd.read_csv(curves / "runs.csv")
    names = {"none": {"sgd", "adam"}, "some": {"adam"}, "all": set()}[lost]
    assert set(runs["optimizer"]) == names
    assert (tmp_path / "reports/timings/sweep.json").is_file()


def test_tables() -> None:
    grid = study.grid_table(CELLS)
    assert len(grid) == 6
    assert grid["diverged"].tolist() == [0, 0, 1, 0, 0, 0]
    assert grid.loc[1, ["lowest", "highest"]].tolist() == [0.5, 0.5]
    summary = summarize()
    runs = study.run_table(CELLS, summary)
    assert len(runs) == 2 * 2 * 2 * 2  # choices, optimizers, seeds, evaluations
    curves = study.curve_table(runs, "average_precision")
    assert curves["epoch"].tolist() == [1, 2]
    assert curves["adam"].tolist() == pytest.approx([0.75, 0.85])
    sgd, adam = study.timing_table(CELLS, summary)["best"]
    assert sgd == {
        "optimizer": "sgd",
        "milliseconds_per_step": 10.0,
        "seconds": 3.5,
        "seconds_at_evaluations": [1.5, 3.5],
        "seconds_to": {"50": None, "80": None, "95": None},
    }
    assert adam["seconds_to_convergence"] == 3.5


def test_a_missing_cell_is_one_line(tmp_path) -> None:
    with pytest.raises(UserError, match=r"sgd-0\.01: is missing"):
        study.read_cells(tmp_path, tmp_path, SETTINGS)


def test_cells_that_the_parameters_no_longer_name_are_removed(tmp_path) -> None:
    folder, timings = tmp_path / "data/sweep", tmp_path / "reports/timings/sweep"
    for (name, rate), found in CELLS.items():
        write_cell(tmp_path, f"{name}-{rate}", found)
    (folder / ".gitignore").write_text("/sgd-0.1\n")
    study.remove_stale_cells(folder, timings, params.replace(SETTINGS, cells=NAMES[3:]))
    names = ["adam-0.01", "adam-0.1", "adam-1.0"]
    assert sorted(path.name for path in folder.iterdir()) == [".gitignore", *names]
    assert sorted(path.stem for path in timings.iterdir()) == names
