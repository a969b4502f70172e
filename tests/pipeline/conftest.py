"""Run the real pipeline with small parameters and the real DVC in a temporary clone."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from filelock import FileLock

from tests import ROOT
from tests.pipeline import stubs
from tests.pipeline.stubs import change_params, commit, copy_sources

TRACING = ROOT / "tests/pipeline/tracing"
SMALL = {
    "download.sample.reviews": 400,
    "model.embedding_size": 8,
    "model.hidden_size": 8,
    "train.max_tokens": 64,
    "train.epochs": 2,
    "baseline.max_features": 2000,
    "train.seeds": 2,
    "sweep.cells": ["sgd-0.003", "adam-0.003", "sgd-1000000.0"],  # the last learns nothing, and says so
    "sweep.seeds": 2,
    "sweep.epochs": 2,
    "sweep.reviews": 100,
    "sweep.max_tokens": 32,
    "ablation.seeds": 1,
    "ablation.epochs": 1,
    "ablation.changes": {"default": {}, "gru_of_equal_size": {"cell": "gru_of_equal_size"}},
    "evaluate.bootstrap": 50,
    "machine.workers": 1,
}


@dataclass
class Project:
    """A clone of this project, and commands in it."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)  # additions to the environment

    def run(self, *command: str, fails: bool = False) -> str:
        """Run a command; return what it printed. Asserts on its exit status."""
        environment = inherited() | self.variables
        done = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=900
        )
        output = done.stdout + done.stderr
        assert (done.returncode != 0) == fails, output
        return output

    def dvc(self, *arguments: str, fails: bool = False) -> str:
        return self.run("dvc", *arguments, fails=fails)

    def set_params(self, changes: dict[str, object]) -> None:
        """Set settings by their full names."""
        change_params(self.folder / "params.yaml", changes)

    def results(self) -> dict[str, bytes]:
        """Return every file that stages wrote, by its path, except timings, which differ each time."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for folder in ("data", "reports")
            for path in sorted((self.folder / folder).rglob("*"))
            if path.is_file() and "timings" not in path.parts
        }

    def copy(self, folder: Path) -> "Project":
        shutil.copytree(self.folder, folder, symlinks=True)
        return Project(folder)


def inherited() -> dict[str, str]:
    """Put our Python and DVC first on the path; add a git identity."""
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        **{f"GIT_{name}_NAME": "Test" for name in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{name}_EMAIL": "test@example.org" for name in ("AUTHOR", "COMMITTER")},
        "DVC_NO_ANALYTICS": "true",
    }


def ran(output: str) -> set[str]:
    """Return the stages that DVC says it ran, including study cells."""
    return set(re.findall(r"^Running stage '([^']+)':", output, re.MULTILINE))


def restored(output: str) -> set[str]:
    """Return the stages that DVC took from the run-cache."""
    return set(re.findall(r"^Stage '([^']+)' is cached - skipping run", output, re.MULTILINE))


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Return a folder that all processes of the test run share."""
    mine = tmp_path_factory.getbasetemp()
    return mine if worker_id == "master" else mine.parent


@pytest.fixture(scope="session")
def trace(shared: Path) -> Path:
    """Return the folder where `built` records its reads and writes; see `tracing/sitecustomize.py`."""
    return shared / "trace"


@pytest.fixture(scope="session")
def built(shared: Path, trace: Path) -> Project:
    """Make a clone with small parameters, and run every stage; tests take copies of it, or only read it.

    The first process that needs it makes it, and another waits.
    """
    project, done = Project(shared / "built"), shared / "built.done"
    with FileLock(f"{project.folder}.lock"):
        if not done.exists():
            shutil.rmtree(project.folder, ignore_errors=True)  # of a process that failed
            unbuilt(project.folder)
            traced = replace(project, variables={"TRACE": str(trace), "PYTHONPATH": str(TRACING)})
            stages = {"check", "download", "clean", "tokenize", "split", "train_baseline", "theory"}
            assert stages < ran(traced.dvc("repro"))
            commit(project.folder)
            done.touch()
    return project


def unbuilt(folder: Path) -> Project:
    """Make a clone with small parameters, in which no stage has run."""
    copy_sources(folder)
    change_params(folder / "params.yaml", SMALL)
    commit(folder)
    return Project(folder)


@pytest.fixture
def project(built: Project, tmp_path: Path) -> Project:
    return built.copy(tmp_path / "project")


@pytest.fixture(scope="session")
def stub_build(tmp_path_factory: pytest.TempPathFactory) -> stubs.Project:
    """Return a project on stub commands, with a small study, in which every stage has run; tests copy it."""
    project = stubs.Project(tmp_path_factory.mktemp("stubs") / "project")
    copy_sources(project.folder)
    change_params(project.folder / "params.yaml", stubs.SMALL_GRID)
    commit(project.folder)
    assert project.repro().ran >= {"check", "train_lstm", "sweep@sgd-0.003", "sweep@adam-0.003", "report"}
    commit(project.folder)
    return project


@pytest.fixture
def stub_project(stub_build: stubs.Project, tmp_path: Path) -> stubs.Project:
    shutil.copytree(stub_build.folder, tmp_path / "project", symlinks=True)
    return stubs.Project(tmp_path / "project")
