"""Name the software and machine behind the numbers, since others round differently."""

import os
import platform
from importlib.metadata import version


def versions() -> list[str]:
    """Return the versions of Python and the numerical libraries, and the machine."""
    libraries = [f"{name} {version(name)}" for name in ("torch", "numpy", "scikit-learn")]
    machine = f"{platform.system()} {platform.machine()} with {os.cpu_count()} processors"
    return [f"Python {platform.python_version()}", *libraries, machine]
