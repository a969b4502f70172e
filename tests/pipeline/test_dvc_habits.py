"""Do what DVC users do with the project, on stub commands through the real DVC."""

import re
import shutil
import subprocess
from contextlib import chdir

import pytest
from dvc.repo import Repo

from tests import ROOT
from tests.pipeline.conftest import inherited
from tests.pipeline.stubs import Project, change_params

pytestmark = pytest.mark.xdist_group("stubs")

README = (ROOT / "README.md").read_text()


def commands_with(command: str) -> str:
    """Return the block of commands in the README that has this one."""
    (block,) = [found for found in re.findall(r"(?:^    .+\n)+", README, re.M) if command in found]
    return block


def shell(project: Project, commands: str, fails: bool = False) -> str:
    """Run lines in the project's folder, until one fails; return what they printed."""
    done = subprocess.run(
        ["bash", "-ec", commands], cwd=project.folder, env=inherited(), capture_output=True, text=True
    )
    assert (done.returncode != 0) == fails, done.stdout + done.stderr
    return done.stdout + done.stderr


def status(project: Project) -> dict:
    """Return what `dvc status` finds changed."""
    with chdir(project.folder), Repo(".") as repo:
        return repo.status()


@pytest.mark.parametrize("by", ["hand", "experiment"])
def test_the_way_back_restores_everything(stub_project: Project, by: str) -> None:
    """Run the README's lines; autostage has put the other optimizer's dvc.lock into git's index."""
    before = stub_project.outputs()
    if by == "hand":
        change_params(stub_project.folder / "params.yaml", {"optimizer": "sgd"})
        assert "train_lstm" in stub_project.repro().ran
    else:
        assert "train_lstm" in stub_project.experiment("optimizer=sgd").ran
    assert stub_project.outputs()["data/models/lstm/content"] != before["data/models/lstm/content"]
    shell(stub_project, commands_with("git checkout HEAD"))
    assert stub_project.outputs() == before
    assert shell(stub_project, "git status --short") == ""
    assert status(stub_project) == {}


def test_a_smaller_study_is_up_to_date_in_a_fresh_clone(stub_project: Project) -> None:
    """Keep earlier parameters' cells out of the summary's hash and out of the way."""
    stub_project.experiment("sweep.cells=[adam-0.003]")
    shell(
        stub_project,
        """
        dvc remote add --default storage ../storage
        git add --all
        git commit --quiet --message 'A smaller study'
        dvc push --quiet
        git clone --quiet . ../clone
        """,
    )
    clone = Project(stub_project.folder.parent / "clone")
    shell(clone, "dvc pull --quiet")
    assert status(clone) == {}
    assert not (clone.folder / "data/sweep/sgd-0.003").exists()
    assert clone.outputs() == stub_project.outputs()


def test_line_endings_are_the_same_on_windows(stub_project: Project) -> None:
    """Clone with the setting of Git for Windows, and with the first project's cache."""
    shell(stub_project, "git clone --quiet --config core.autocrlf=true . ../clone")
    clone = Project(stub_project.folder.parent / "clone")
    shell(clone, "dvc config --local cache.dir ../project/.dvc/cache && dvc checkout --quiet")
    assert status(clone) == {}
    assert b"\r" not in (clone.folder / "params.yaml").read_bytes()


def test_a_copy_without_git(stub_project: Project) -> None:
    """Remove `.git`, as in a zip: DVC refuses it until the README's line has run."""
    shutil.rmtree(stub_project.folder / ".git")
    assert "not a git repository" in shell(stub_project, "dvc status", fails=True).lower()
    shell(stub_project, commands_with("git init"))
    assert status(stub_project) == {}


def test_what_dvc_draws_is_not_committed(stub_project: Project) -> None:
    (stub_project.folder / "dvc_plots").mkdir()
    (stub_project.folder / "dvc_plots/index.html").write_text("<html></html>")
    assert shell(stub_project, "git status --short") == ""


INTERRUPTED_ONCE = """
import sys
from pathlib import Path
from spoilers.training.checkpoints import Checkpoint

checkpoint = Checkpoint("some", 60.0)
state = checkpoint.load()
if state is None:
    checkpoint.save({"step": 3})
    sys.exit("interrupted")
Path("out").write_text(str(state["step"]))
"""


def test_an_experiment_interrupted_in_a_copy_goes_on(tmp_path) -> None:
    """Keep the checkpoint in the project: DVC deletes the copy that it ran in."""
    project = Project(tmp_path)
    (tmp_path / "train.py").write_text(INTERRUPTED_ONCE)
    (tmp_path / "params.yaml").write_text("seed: 1\n")
    (tmp_path / "dvc.yaml").write_text(
        "stages:\n  train: {cmd: python train.py, deps: [train.py], params: [seed], outs: [out]}\n"
    )
    (tmp_path / ".gitignore").write_text("/.cache\n/out\n")
    shell(project, "git init --quiet; dvc init --quiet; git add --all; git commit --quiet --message state")
    experiment = "dvc exp run --temp --set-param seed=2"
    assert "interrupted" in shell(project, experiment, fails=True)
    assert "Ran experiment" in shell(project, experiment)
