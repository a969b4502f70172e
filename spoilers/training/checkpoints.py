"""Where a killed training goes on from: files outside DVC's outputs, keyed by what determines the result."""

import hashlib
import json
import pickle
import sys
import zipfile
from pathlib import Path

import torch

from spoilers.core.files import replacing, sha256

FOLDER = Path(".cache/checkpoints")


def digest(settings: dict, files: list[Path]) -> str:
    """Return a key of settings, data and code: a change in any of them finds no old checkpoint.

    The code is whatever this process has imported of the package, but for `core`, which decides nothing.
    """
    code = {
        name: sha256(module.__file__)
        for name, module in sorted(sys.modules.items())
        if name.startswith("spoilers.") and not name.startswith("spoilers.core") and module.__file__
    }
    parts = {
        "settings": settings,
        "files": {str(path): sha256(path) for path in files},
        "code": code,
        "torch": torch.__version__,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


class Checkpoint:
    """One training's file; each save replaces the last, atomically."""

    def __init__(self, key: str, seconds: float, folder: Path = FOLDER):
        self.path = folder / f"{key}.pt"
        self.seconds = seconds  # between two saves

    def save(self, state: dict) -> None:
        with replacing(self.path) as partial:
            torch.save(state, partial)

    def load(self) -> dict | None:
        """The last state saved, or None where there is none that can be read."""
        try:
            return torch.load(self.path, map_location="cpu", weights_only=True)
        except FileNotFoundError:
            return None
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, zipfile.BadZipFile) as error:
            print(f"{self.path}: not readable ({error}); training starts anew")
            return None

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
