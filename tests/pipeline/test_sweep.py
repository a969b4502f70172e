"""`make sweep`: the cells of the optimizer study side by side, as stages of the real DVC."""

import shutil
import sys
from pathlib import Path

from tests.pipeline.conftest import Project, ran

FOLLOWS = {"sweep_summary", "plot", "report"}


def add_an_optimizer(project: Project) -> set[str]:
    """Change the parameters; return the new cells."""
    parameters = project.folder / "params.yaml"
    parameters.write_text(parameters.read_text().replace("    - adam\n", "    - adam\n    - rmsprop\n"))
    return {"sweep@rmsprop-0.01", "sweep@rmsprop-1.0"}


def test_side_by_side_is_one_after_the_other(project: Project, built: Project, tmp_path: Path) -> None:
    new = add_an_optimizer(project)
    output = project.run(sys.executable, "-m", "spoilers", "sweep", "2")
    upstream, _, cells_and_after = output.partition("2 cells to run, 2 at once")
    assert ran(upstream) == {"check"}
    assert ran(cells_and_after) == new | FOLLOWS
    assert all(output.count(f"Running stage '{name}'") == 1 for name in new)
    assert ran(project.dvc("repro")) == set()

    shutil.copytree(built.folder, tmp_path / "other", symlinks=True)
    other = Project(tmp_path / "other")
    add_an_optimizer(other)
    assert ran(other.dvc("repro")) == {"check", *new, *FOLLOWS}
    ours, theirs = (which.files("data", "reports") for which in (project, other))
    assert set(ours) == set(theirs)
    assert [name for name in ours if "timings" not in name and ours[name] != theirs[name]] == []


def test_a_failing_cell_ends_it(project: Project) -> None:
    (project.folder / "stages/rnn/study.py").write_text("raise RuntimeError('broken')\n")
    output = project.run(sys.executable, "-m", "spoilers", "sweep", "1", fails=True)
    assert "RuntimeError: broken" in output
    assert output.count("\nerror: sweep@") == 1
    assert len([name for name in ran(output) if "@" in name]) == 1
