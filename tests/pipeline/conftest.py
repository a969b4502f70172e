"""The real pipeline, with small parameters, run by the real DVC in a temporary clone."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import ROOT

SMALL = {
    r"reviews: 6000\b": "reviews: 400",
    r"embedding_size: \d+": "embedding_size: 8",
    r"hidden_size: \d+": "hidden_size: 8",
    r"max_tokens: 64\b": "max_tokens: 32",
    r"max_tokens: 256\b": "max_tokens: 64",
    r"epochs: \d+": "epochs: 2",
    r"reviews: 2500\b": "reviews: 100",
    r"bootstrap: 1000\b": "bootstrap: 50",
    r"max_features: \d+": "max_features: 2000",
    r"    - (momentum|rmsprop)\n": "",
    r"    - (0\.0001|0\.001|0\.1|10\.0)\n": "",
}


@dataclass
class Project:
    """A clone of this project, and commands in it."""

    folder: Path

    def run(self, *command: str, fails: bool = False) -> str:
        """Run a command; return what it printed. Asserts on its exit status."""
        done = subprocess.run(
            command, cwd=self.folder, env=environment(), capture_output=True, text=True, timeout=500
        )
        output = done.stdout + done.stderr
        assert (done.returncode != 0) == fails, output
        return output

    def dvc(self, *arguments: str, fails: bool = False) -> str:
        return self.run("dvc", *arguments, fails=fails)

    def commit(self) -> None:
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--allow-empty", "--message", "state")

    def files(self, *folders: str) -> dict[str, bytes]:
        """Every file below the folders, by path."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for folder in folders
            for path in sorted((self.folder / folder).rglob("*"))
            if path.is_file()
        }


def environment() -> dict[str, str]:
    """The tests' own Python and DVC first on the path; a git identity; no more threads than needed."""
    names = ("AUTHOR", "COMMITTER")
    # As on a user's machine, where Python writes its cache beside the modules.
    inherited = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return {
        **inherited,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        **{f"GIT_{name}_NAME": "Test" for name in names},
        **{f"GIT_{name}_EMAIL": "test@example.org" for name in names},
        "DVC_NO_ANALYTICS": "true",
    }


def ran(output: str) -> set[str]:
    """The stages that DVC says it ran, cells of the grid among them."""
    return set(re.findall(r"^Running stage '([^']+)':", output, re.MULTILINE))


def restored(output: str) -> set[str]:
    """The stages that DVC says it took from the run-cache."""
    return set(re.findall(r"^Stage '([^']+)' is cached - skipping run", output, re.MULTILINE))


@pytest.fixture(scope="session")
def built(tmp_path_factory) -> Project:
    """A clone with small parameters in which every stage has run; tests take copies of it."""
    project = Project(tmp_path_factory.mktemp("built") / "project")
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in tracked.stdout.splitlines():
        if (ROOT / name).is_file() and not name.startswith(("reports/", "dvc.lock")):
            (project.folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, project.folder / name)
    parameters = project.folder / "params.yaml"
    text = parameters.read_text()
    for pattern, replacement in SMALL.items():
        text, times = re.subn(pattern, replacement, text)
        assert times, f"{pattern} is not in params.yaml"
    parameters.write_text(text)
    project.run("git", "init", "--quiet")
    project.commit()
    output = project.dvc("repro")
    assert {"check", "download", "clean", "tokenize", "split", "train_baseline", "theory"} < ran(output)
    project.commit()
    return project


@pytest.fixture
def project(built: Project, tmp_path: Path) -> Project:
    shutil.copytree(built.folder, tmp_path / "project", symlinks=True)
    return Project(tmp_path / "project")
