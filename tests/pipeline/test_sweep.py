"""`make sweep` runs cells of the optimizer study in parallel, as stages of the real DVC."""

import json
import sys
from pathlib import Path

import pytest
import yaml

from tests.pipeline.conftest import SMALL, Project, ran, unbuilt

pytestmark = pytest.mark.xdist_group("sweep")

COMMAND = (sys.executable, "-m", "spoilers", "sweep")
CELLS = {f"sweep@{cell}" for cell in SMALL["sweep.cells"]}


def test_side_by_side_gives_the_same_bytes(built: Project, tmp_path: Path) -> None:
    """Run all again, with more threads and workers and a notebook's plotting backend; then a new cell."""
    project = unbuilt(tmp_path / "project")
    project.set_params({"machine.workers": 2})
    project.variables = {"OMP_NUM_THREADS": "2", "MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    output = project.run(*COMMAND, "2")
    upstream, _, cells_and_after = output.partition("3 cells to run, 2 at once")
    assert ran(upstream) == {"check", "download", "clean", "tokenize", "split", "study_data@sweep"}
    assert ran(cells_and_after) > CELLS | {"sweep_summary", "plot", "report"}
    stages = yaml.safe_load((project.folder / "dvc.lock").read_text())["stages"]
    assert all(output.count(f"Running stage '{name}'") == 1 for name in stages)

    before, after = built.results(), project.results()
    assert after.keys() == before.keys()
    assert [name for name in after if after[name] != before[name]] == []

    assert ran(project.dvc("repro")) == set()
    project.set_params({"sweep.cells": [*SMALL["sweep.cells"], "adam-1000000.0"]})
    upstream, _, cells_and_after = project.run(*COMMAND, "2").partition("1 cells to run, 2 at once")
    assert ran(upstream) == {"check"}
    assert ran(cells_and_after) == {"sweep@adam-1000000.0", "sweep_summary", "plot", "report"}


def test_a_cell_that_diverges_says_so(built: Project) -> None:
    runs = json.loads((built.folder / "data/sweep/sgd-1000000.0/runs.json").read_text())
    assert runs
    assert all(run["diverged"] and "loss" in run["problem"] for run in runs.values())
    study = json.loads((built.folder / "data/results/sweep.json").read_text())["study"]
    assert study["diverged_cells"] >= 1
    assert (built.folder / "reports/report.md").read_text()


def test_a_failing_cell_ends_it(project: Project) -> None:
    (project.folder / "spoilers/studies/cell.py").write_text("raise RuntimeError('broken')\n")
    output = project.run(*COMMAND, "1", fails=True)
    assert "RuntimeError: broken" in output
    assert output.count("\nerror: sweep@") == 1
    assert len([name for name in ran(output) if "@" in name]) == 1
