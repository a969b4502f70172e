"""The optimizer study in parallel, and with a rate at which nothing can be learned, by the real DVC."""

import json
import sys

import yaml

from tests.pipeline.conftest import Project, ran

CELLS = [f"sweep@{name}-{rate}" for name in ("sgd", "adam") for rate in ("0.01", "1.0")]
FOLLOWS = {"sweep_summary", "plot", "report"}


def change(project: Project, old: str, new: str) -> None:
    parameters = project.folder / "params.yaml"
    text = parameters.read_text()
    assert old in text
    parameters.write_text(text.replace(old, new))


def test_side_by_side_is_one_after_the_other(project: Project) -> None:
    longer = ("  max_tokens: 32\n", "  max_tokens: 24\n")
    change(project, *longer)
    output = project.run(sys.executable, "-m", "stages.sweep_parallel", "2")
    assert sorted(name for name in ran(output) if "@" in name) == sorted(CELLS)
    assert all(output.count(f"Running stage '{name}'") == 1 for name in CELLS)
    assert ran(output.partition("cells to run")[2]) == {*CELLS, *FOLLOWS}
    assert ran(project.dvc("repro")) == set()

    side_by_side = project.files("data", "reports")
    stages = list(yaml.safe_load((project.folder / "dvc.lock").read_text())["stages"])
    project.dvc("repro", "--force")
    for name, content in project.files("data", "reports").items():
        assert "timings" in name or content == side_by_side[name], name
    assert list(yaml.safe_load((project.folder / "dvc.lock").read_text())["stages"]) == stages


def test_a_failing_cell_ends_it(project: Project) -> None:
    (project.folder / "stages/rnn/study.py").write_text("raise RuntimeError('broken')\n")
    output = project.run(sys.executable, "-m", "stages.sweep_parallel", "1", fails=True)
    assert "RuntimeError: broken" in output
    assert output.count("\nerror: sweep@") == 1
    assert len([name for name in ran(output) if "@" in name]) == 1


def test_what_diverges_is_marked(project: Project) -> None:
    change(project, "    - 1.0\n", "    - 1.0\n    - 1000000.0\n")
    new = {"sweep@sgd-1000000.0", "sweep@adam-1000000.0"}
    assert ran(project.dvc("repro")) == {"check", *new, *FOLLOWS}
    runs = json.loads((project.folder / "data/sweep/sgd-1000000.0/runs.json").read_text())
    assert all(run["diverged"] and "loss" in run["problem"] for run in runs.values())
    grid = (project.folder / "reports/curves/sweep_grid.csv").read_text()
    assert "\nsgd,1e+06,,,,1\n" in grid
    assert "cells diverged: SGD 1 and Adam 1." in (project.folder / "reports/report.md").read_text()


def test_an_optimizer_more_runs_its_cells_alone(project: Project) -> None:
    change(project, "    - adam\n", "    - adam\n    - rmsprop\n")
    new = {"sweep@rmsprop-0.01", "sweep@rmsprop-1.0"}
    assert ran(project.dvc("repro")) == {"check", *new, *FOLLOWS}
