"""dvc.yaml names the code that each stage imports, and no other: a change reruns only what it affects."""

import ast
import re
import sys
from functools import cache
from pathlib import Path

import pytest
import yaml

from spoilers.core import params
from tests import ROOT

STAGES = {
    name: stage.get("do", stage)
    for name, stage in yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].items()
}
CORE = ROOT / "spoilers/core"


@cache
def imports(path: Path) -> frozenset[str]:
    """Return the dotted names that a file imports anywhere: modules, and names from modules."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: a relative import, which this test does not follow"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return frozenset(names)


def files_of(name: str) -> list[Path]:
    """Return the files behind a dotted name: its packages' `__init__.py`, and the module."""
    files, path = [], ROOT
    for part in name.split("."):
        path = path / part
        if (path / "__init__.py").is_file():
            files.append(path / "__init__.py")
        elif path.with_suffix(".py").is_file():
            return [*files, path.with_suffix(".py")]
    return files


def is_bare(path: Path) -> bool:
    """Return whether a file is an `__init__.py` with only a docstring."""
    body = ast.parse(path.read_text()).body
    return path.name == "__init__.py" and all(
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in body
    )


def needed(script: Path) -> set[Path]:
    """Return a stage's script and the files that it imports, without those that affect no result.

    This leaves out `spoilers/core`, and the library's own `__init__.py`, which imports lazily.
    """
    found: set[Path] = set()
    waiting = [script]
    while waiting:
        file = waiting.pop()
        if file not in found and CORE not in file.parents and file != ROOT / "spoilers/__init__.py":
            found.add(file)
            waiting += [path for name in imports(file) for path in files_of(name)]
    return {path for path in found if not is_bare(path)}


def needed_by(stage: str) -> set[Path]:
    module = re.search(r"\bstages\.(\w+)", STAGES[stage]["cmd"])[1]
    return needed(ROOT / f"stages/{module}.py")


def code_of(stage: str) -> list[Path]:
    """Return the code that a stage declares: files, and folders of code."""
    named = [ROOT / dep for dep in STAGES[stage]["deps"] if dep.startswith(("stages/", "spoilers/"))]
    return [path for path in named if path.suffix == ".py" or any(path.rglob("*.py"))]


@pytest.mark.parametrize("stage", STAGES)
def test_every_import_is_a_dependency(stage: str) -> None:
    named = code_of(stage)
    missing = [file for file in needed_by(stage) if not any(dep in (file, *file.parents) for dep in named)]
    assert sorted(str(file.relative_to(ROOT)) for file in missing) == []


@pytest.mark.parametrize("stage", STAGES)
def test_no_dependency_is_idle(stage: str) -> None:
    files = needed_by(stage)
    idle = [dep for dep in code_of(stage) if not any(dep in (file, *file.parents) for file in files)]
    assert sorted(str(dep.relative_to(ROOT)) for dep in idle) == []


def test_imports_are_found() -> None:
    """Follow imports of modules, of names in modules, and of packages with code."""
    found = {str(path.relative_to(ROOT)) for path in needed(ROOT / "stages/train.py")}
    assert {"stages/train.py", "spoilers/training/loop.py", "spoilers/models/network.py"} < found
    assert not any(name.startswith("spoilers/core") for name in found)


def test_no_stage_depends_on_core() -> None:
    assert [name for name in STAGES if any(CORE in (dep, *dep.parents) for dep in code_of(name))] == []


def test_no_stage_tracks_the_machine() -> None:
    tracked = {name: [str(key) for key in stage.get("params", ())] for name, stage in STAGES.items()}
    assert [name for name, keys in tracked.items() if any(key.startswith("machine") for key in keys)] == []


def test_no_setting_has_a_default() -> None:
    """Keep every value in params.yaml, where DVC sees it, so `core` decides nothing."""
    sections, waiting = set(), [params.Section]
    while waiting:
        waiting += (found := set(waiting.pop().__subclasses__()) - sections)
        sections |= found
    fields = [
        f"{section.__name__}.{name}"
        for section in sections
        if section.__module__ == params.__name__
        for name, field in section.model_fields.items()
        if not field.is_required()
    ]
    assert params.Train in sections
    assert fields == []


def test_core_imports_nothing_that_computes() -> None:
    allowed = {*sys.stdlib_module_names, "yaml", "pydantic", "pydantic_core"}
    for path in CORE.glob("*.py"):
        for name in imports(path):
            assert name.split(".")[0] in allowed or name.startswith("spoilers.core."), f"{path}: {name}"


def test_every_stage_has_a_description() -> None:
    assert [name for name, stage in STAGES.items() if not stage.get("desc")] == []
