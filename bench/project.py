"""Copy the project, without results, for a benchmark to run the pipeline in."""

import shutil
import subprocess
from pathlib import Path

import yaml

from spoilers.core.params import Loader

ROOT = Path(__file__).resolve().parents[1]
LEFT_OUT = ("reports/", "tests/", "bench/", "dvc.lock")


def make_project(folder: Path, settings: dict[str, dict]) -> None:
    """Copy the project as it is now into a new repository; change `settings`, by section."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in tracked.stdout.splitlines():
        if not name.startswith(LEFT_OUT):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    path = folder / "params.yaml"
    values = yaml.load(path.read_text(encoding="utf-8"), Loader)
    for section, changes in settings.items():
        values[section] |= changes
    path.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
