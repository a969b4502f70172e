"""dvc.yaml names every module that a stage imports: a change in one reruns what it affects."""

import ast
import re
from pathlib import Path

import pytest
import yaml

from tests import ROOT

STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]


def imported(path: Path) -> set[Path]:
    """The project's files that importing `path` runs, itself and packages' `__init__.py` included."""
    found: set[Path] = set()
    waiting = [path]
    while waiting:
        file = waiting.pop()
        if file in found:
            continue
        found.add(file)
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "stages":
                waiting += [f for alias in node.names for f in files_of(f"{node.module}.{alias.name}")]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names if alias.name.startswith("stages.")]
                waiting += [f for name in names for f in files_of(name)]
    return found


def files_of(name: str) -> list[Path]:
    """The files behind a dotted name: its packages, and the module it is or is in."""
    files, path = [], ROOT
    for part in name.split("."):
        path = path / part
        if (path / "__init__.py").is_file():
            files.append(path / "__init__.py")
        elif path.with_suffix(".py").is_file():
            return [*files, path.with_suffix(".py")]
    return files


@pytest.mark.parametrize("name", STAGES)
def test_every_import_is_a_dependency(name: str) -> None:
    stage = STAGES[name]
    module = re.search(r"\bstages\.(\w+)", stage["cmd"])[1]
    needed = imported(ROOT / "stages" / f"{module}.py") - {ROOT / "stages/__init__.py"}
    named = [ROOT / dep for dep in stage["deps"]]
    missing = [f for f in needed if not any(f == dep or dep in f.parents for dep in named)]
    assert sorted(str(f.relative_to(ROOT)) for f in missing) == []


@pytest.mark.parametrize("name", STAGES)
def test_no_dependency_is_idle(name: str) -> None:
    stage = STAGES[name]
    module = re.search(r"\bstages\.(\w+)", stage["cmd"])[1]
    needed = imported(ROOT / "stages" / f"{module}.py")
    named = [ROOT / dep for dep in stage["deps"] if dep.startswith("stages/") and dep.endswith(".py")]
    assert sorted(str(dep.relative_to(ROOT)) for dep in named if dep not in needed) == []


def test_every_stage_has_a_description() -> None:
    assert [name for name, stage in STAGES.items() if not stage.get("desc")] == []


def test_the_run_cache_serves_whatever_trains() -> None:
    for name in ("train_baseline", "train_lstm", "train_gru", "sweep", "evaluate", "gates", "sweep_summary"):
        stage = STAGES[name]
        assert all(isinstance(out, str) for out in stage.get("outs", [])), "uncached or persistent outs"
        assert not stage.get("always_changed")
