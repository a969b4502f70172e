"""`make sweep` runs cells of the optimizer study in parallel, as stages of the real DVC."""

import json
import sys

import pytest

from tests.pipeline.conftest import Project, ran

pytestmark = pytest.mark.xdist_group("pipeline")

FOLLOWS = {"sweep_summary", "plot", "report"}
COMMAND = (sys.executable, "-m", "spoilers", "sweep")
NEW = {"sweep@sgd-1000000.0", "sweep@adam-1000000.0"}


def test_side_by_side_is_one_after_the_other(project: Project) -> None:
    """Run two new cells at a rate that learns nothing: a cell says so, and all ends well."""
    project.set_params({"sweep.cells": ["sgd-0.003", "adam-0.003", "sgd-1000000.0", "adam-1000000.0"]})
    output = project.run(*COMMAND, "2")
    upstream, _, cells_and_after = output.partition("2 cells to run, 2 at once")
    assert ran(upstream) == {"check"}
    assert ran(cells_and_after) == NEW | FOLLOWS
    assert all(output.count(f"Running stage '{name}'") == 1 for name in NEW)
    assert ran(project.dvc("repro")) == set()

    runs = json.loads((project.folder / "data/sweep/sgd-1000000.0/runs.json").read_text())
    assert runs
    assert all(run["diverged"] and "loss" in run["problem"] for run in runs.values())
    study = json.loads((project.folder / "data/results/sweep.json").read_text())["study"]
    assert study["diverged_cells"] >= 1
    assert (project.folder / "reports/report.md").read_text()

    before = project.results()
    assert ran(project.dvc("repro", "--force", "--single-item", *sorted(NEW))) == NEW
    assert project.results() == before


def test_a_failing_cell_ends_it(project: Project) -> None:
    (project.folder / "spoilers/studies/cell.py").write_text("raise RuntimeError('broken')\n")
    output = project.run(*COMMAND, "1", fails=True)
    assert "RuntimeError: broken" in output
    assert output.count("\nerror: sweep@") == 1
    assert len([name for name in ran(output) if "@" in name]) == 1
