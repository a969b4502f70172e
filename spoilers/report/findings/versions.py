"""Name what the numbers were computed with: other versions and processors round differently."""

import os
import platform
from importlib.metadata import version


def versions() -> list[str]:
    """Return the versions of Python and of what computes, and the kind of machine."""
    libraries = [f"{name} {version(name)}" for name in ("torch", "numpy", "scikit-learn")]
    machine = f"{platform.system()} {platform.machine()} with {os.cpu_count()} processors"
    return [f"Python {platform.python_version()}", *libraries, machine]
