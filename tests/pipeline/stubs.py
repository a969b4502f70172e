"""The real dvc.yaml through the real DVC in seconds: in place of its command, each stage calls a stub.

The stub writes a hash of the stage's declared inputs into each of its declared outputs. So outputs change
exactly when an input does, and DVC decides what to run as it does for the real pipeline.
"""

import json
import pickle
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, chdir, contextmanager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TextIO
from unittest.mock import patch

import yaml
from dvc.exceptions import ReproductionError
from dvc.repo import Repo
from dvc.stage import PipelineStage
from dvc.stage.cache import StageCache
from fsspec.implementations.memory import MemoryFileSystem

from spoilers.core import params
from spoilers.core.params import FLOAT, Loader
from spoilers.studies.optimizers import remove_stale_cells
from stages import check
from tests import ROOT

IDENTITY = ("-c", "user.name=Test", "-c", "user.email=test@example.org")

# Fewer cells of the study and of the ablation than in params.yaml.
CHANGES = {"default": {}, "no_decay": {"train": {"rate_decay": "none"}}}
SMALL_GRID = {"sweep.cells": ["sgd-0.003", "adam-0.003"], "ablation.changes": CHANGES}


@dataclass
class Outcome:
    """Names of stages, including study cells."""

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
        """Run `dvc exp run` with `--set-param` for each `name=value`."""
        return self.outcome(lambda repo: repo.experiments.run(params=settings))

    def outcome(self, act: Callable[[Repo], object]) -> Outcome:
        """Call `act` with DVC; return which stages ran and which were restored."""
        ran, restored = set(), set()
        with chdir(self.folder), watched(ran, restored), Repo(".") as repo:
            try:
                act(repo)
            except ReproductionError as failed:
                raise (failed.__cause__ or failed) from None  # what the command raised
            finally:
                MemoryFileSystem.store.clear()  # DVC's, which is slower the more files it ever had
        return Outcome(ran, restored)

    def append(self, name: str, text: str) -> None:
        """Add text at the end of a file, which must be there."""
        (self.folder / name).write_text((self.folder / name).read_text() + text)

    def outputs(self) -> dict[str, bytes]:
        """Return the stages' files by their paths."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for folder in ("data", "reports")
            for path in (self.folder / folder).rglob("*")
            if path.is_file() and path.name != ".gitignore"
        }


@contextmanager
def watched(ran: set[str], restored: set[str]) -> Iterator[None]:
    """Let DVC call the stub in place of each stage's command; note what it runs and what it restores."""
    restore = StageCache.restore

    def note(cache: StageCache, stage: PipelineStage, **options: object) -> None:
        restore(cache, stage, **options)
        restored.add(stage.addressing)

    def run(stage: PipelineStage, **_: object) -> None:
        ran.add(stage.addressing)
        if stage.name == "check":
            check.main()
            return
        if stage.name == "sweep_summary":
            remove_stale_cells(Path("data/sweep"), Path("reports/timings/sweep"), params.load().sweep)
        write_outputs(stage, read)

    stages = yaml.load(Path("dvc.yaml").read_text(), FastLoader)["stages"].values()
    read = {path for stage in stages for path in stage.get("do", stage).get("deps", ())}
    with (
        patch("dvc.stage.run.cmd_run", run),
        patch.object(StageCache, "restore", note),
        patch("dvc.rwlock.rwlock", lambda *_: nullcontext()),  # from other processes: there are none
        fast_yaml(),
    ):
        yield


def write_outputs(stage: PipelineStage, read: set[str]) -> None:
    """Write the hash of the stage's inputs into each output; in a folder, into the files that others read."""
    inputs = sorted((dep.def_path, str(dep.get_hash().value)) for dep in stage.deps)
    digest = sha256(repr((stage.addressing, inputs)).encode()).hexdigest()
    for out in stage.outs:
        inside = {path for path in read if path.startswith(f"{out.def_path}/")}
        is_file = Path(out.def_path).suffix[1:].isalpha()  # `adam-0.003` is a folder
        for path in inside or {out.def_path if is_file else f"{out.def_path}/content"}:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_text(f"{path} {digest}\n")


class FastLoader(yaml.CSafeLoader):
    """Reads YAML as DVC does, but in C."""


FastLoader.add_implicit_resolver("tag:yaml.org,2002:float", FLOAT, list("-+0123456789"))


@contextmanager
def fast_yaml() -> Iterator[None]:
    """Let DVC parse and write YAML in C: its own parser, in Python, takes most of the time of these tests."""

    @lru_cache(8)
    def pickled(text: str) -> bytes:
        values = json.loads(text) if text.startswith("{") else yaml.load(text, FastLoader)
        return pickle.dumps(values or {})

    def parse(text: str, *_: object, **__: object) -> dict:
        return pickle.loads(pickled(text))

    def dump(values: object, stream: TextIO) -> None:
        json.dump(values, stream)  # which is YAML, too

    with ExitStack() as patches:
        for name in ("_yaml.parse_yaml", "_yaml.parse_yaml_for_update"):
            patches.enter_context(patch(f"dvc.utils.serialize.{name}", parse))
        patches.enter_context(patch("dvc.utils.strictyaml.parse_yaml", parse))
        patches.enter_context(patch("dvc.utils.serialize._yaml._dump", dump))
        yield


def copy_sources(
    folder: Path, leave_out: tuple[str, ...] = ("reports/", "tests/", "bench/", "dvc.lock")
) -> None:
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
    """Commit everything, creating a repository if there is none."""
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    for command in (("add", "--all"), ("commit", "--quiet", "--allow-empty", "--message", "state")):
        subprocess.run(["git", *IDENTITY, *command], cwd=folder, check=True)
