"""What a reader needs to repeat the report's numbers."""

import os
import platform
from importlib.metadata import version

import yaml

from spoilers.core.params import Params


def settings_text(settings: Params) -> str:
    """Return the settings that the report's numbers depend on, as in params.yaml."""
    values = settings.model_dump(include={"seed", "optimizer", "split", "model", "train", "sweep"})
    values["optimizers"] = {settings.optimizer: getattr(settings.optimizers, settings.optimizer).model_dump()}
    return yaml.safe_dump(values, sort_keys=False)


def versions() -> dict[str, str]:
    """Return the versions of Python and of what computes; the machine too, since others round differently."""
    return {
        "Python": platform.python_version(),
        **{name: version(name) for name in ("torch", "numpy", "scikit-learn")},
        "on": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
    }
