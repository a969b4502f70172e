"""The real dvc.yaml through the real DVC in seconds: each stage's command is replaced by one that trains nothing.

The replacement writes a hash of the stage's declared inputs into each of its declared outputs. So outputs change
exactly when an input does, and DVC decides what to run as it does for the real pipeline.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from unittest.mock import patch

import yaml
from dvc.repo import Repo
from dvc.stage import PipelineStage

from spoilers.core.params import Loader
from tests import ROOT

IDENTITY = ("-c", "user.name=Test", "-c", "user.email=test@example.org")


@dataclass
class Outcome:
    """Names of stages, cells of the study among them."""

    ran: set[str]
    restored: set[str]  # from the run-cache


@dataclass
class Project:
    """A git and DVC project on stub commands."""

    folder: Path

    def repro(self) -> Outcome:
        """Do `dvc repro`."""
        return self.outcome(lambda repo: repo.reproduce())

    def experiment(self, *settings: str) -> Outcome:
        """Do `dvc exp run` with a `--set-param` for each `name=value`."""
        return self.outcome(lambda repo: repo.experiments.run(params=settings))

    def outcome(self, act) -> Outcome:
        """Do something with DVC; return which stages ran and which were restored."""
        ran, restored = set(), set()
        with chdir(self.folder), watched(ran, restored), Repo(".") as repo:
            act(repo)
        return Outcome(ran, restored)

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace text in a file; it must be there."""
        text = (self.folder / name).read_text()
        assert old in text, f"{old!r} is not in {name}"
        (self.folder / name).write_text(text.replace(old, new, 1))

    def append(self, name: str, text: str) -> None:
        """Add text at the end of a file, which must be there."""
        (self.folder / name).write_text((self.folder / name).read_text() + text)

    def outputs(self) -> dict[str, bytes]:
        """Every file that stages wrote, by its path."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for folder in ("data", "reports")
            for path in (self.folder / folder).rglob("*")
            if path.is_file() and path.name != ".gitignore"
        }


@contextmanager
def watched(ran: set[str], restored: set[str]) -> Iterator[None]:
    """Let DVC call the stub in place of each stage's command; note what it runs and what it restores."""
    from dvc.stage.cache import StageCache

    restore = StageCache.restore

    def note(cache: StageCache, stage: PipelineStage, **options: object) -> None:
        restore(cache, stage, **options)
        restored.add(stage.addressing)

    def run(stage: PipelineStage, **_: object) -> None:
        ran.add(stage.addressing)
        write_outputs(stage)

    with patch("dvc.stage.run.cmd_run", run), patch.object(StageCache, "restore", note):
        yield


def write_outputs(stage: PipelineStage, read: set[str]) -> None:
    """Write the hash of the stage's inputs into each output; into an output folder, what others read of it."""
    inputs = sorted((dep.def_path or "params", str(dep.get_hash().value)) for dep in stage.deps)
    digest = sha256(repr((stage.addressing, inputs)).encode()).hexdigest()
    for out in stage.outs:
        inside = {path for path in read if path.startswith(f"{out.def_path}/")}
        for path in inside or {out.def_path if Path(out.def_path).suffix else f"{out.def_path}/content"}:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_text(f"{path} {digest}\n")


def copy_sources(folder: Path, leave_out: tuple[str, ...] = ("reports/", "tests/", "bench/", "dvc.lock")) -> None:
    """Copy what git tracks, in its present state, without results."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in tracked.stdout.splitlines():
        if (ROOT / name).is_file() and not name.startswith(leave_out):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def change_params(path: Path, changes: Mapping[str, object]) -> None:
    """Set settings by their full names; each must be there already."""
    values = yaml.load(path.read_text(), Loader)
    for name, value in changes.items():
        *sections, last = name.split(".")
        section = values
        for key in sections:
            section = section[key]
        assert last in section, f"{name} is not in {path}"
        section[last] = value
    path.write_text(yaml.safe_dump(values, sort_keys=False))


def commit(folder: Path) -> None:
    for command in (("add", "--all"), ("commit", "--quiet", "--allow-empty", "--message", "state")):
        subprocess.run(["git", *IDENTITY, *command], cwd=folder, check=True, env=os.environ)
