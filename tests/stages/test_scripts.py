"""The stages' scripts: how they are named and started."""

import os
import subprocess
import sys

import yaml

from tests import ROOT

SCRIPTS = sorted(path for path in (ROOT / "stages").glob("*.py") if path.name != "__init__.py")
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]


def test_a_script_started_by_its_path_says_how_to_start_it() -> None:
    """Its folder precedes the standard library, whose `tokenize` and `inspect` it hides.

    An environment whose .pth files import those before the script begins would not show it: hence `-S`.
    """
    installed = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    for script in SCRIPTS:
        command = [sys.executable, "-S", script]
        done = subprocess.run(command, cwd=ROOT, env=installed, capture_output=True, text=True)
        assert done.returncode == 1, script
        expected = "error: run a stage as a module from the project's root: python -m stages.NAME"
        assert done.stderr.strip() == expected, script


def test_each_script_serves_a_stage_of_its_name() -> None:
    commands = [stage.get("do", stage)["cmd"] for stage in STAGES.values()]
    served = {word for command in commands for word in command.split() if word.startswith("stages.")}
    assert {f"stages.{path.stem}" for path in SCRIPTS} == served
