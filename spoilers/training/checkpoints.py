"""Checkpoints of killed trainings: files outside DVC's outputs, keyed by all that determines the result."""

import hashlib
import io
import json
import os
import sys
from pathlib import Path

import torch

from spoilers.core.errors import UserError
from spoilers.core.files import replacing, sha256

# DVC runs some experiments in a temporary copy of the project; DVC_ROOT is the path of the original.
FOLDER = Path(os.environ.get("DVC_ROOT", "."), ".cache/checkpoints")
DIGEST = hashlib.sha256().digest_size


def digest(settings: dict, files: list[Path]) -> str:
    """Return a key of settings, data and code: after a change in any of them, no old checkpoint fits.

    The code is all modules of the package imported so far, but not `core`, which affects no result.
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
    """One training's checkpoint file; each save replaces it atomically."""

    def __init__(self, key: str, seconds: float, folder: Path = FOLDER):
        self.path = folder / f"{key}.pt"
        self.seconds = seconds  # between two saves

    def save(self, state: dict) -> None:
        """Save a state, or print why it cannot be written: training can go on without.

        The digest of the bytes precedes them, as PyTorch verifies no checksum on reading.
        """
        buffer = io.BytesIO()
        torch.save(state, buffer)
        content = buffer.getbuffer()
        try:
            with replacing(self.path) as partial, open(partial, "wb") as file:
                file.write(hashlib.sha256(content).digest())
                file.write(content)
        except UserError as error:
            print(f"no checkpoint was saved, training goes on ({error})", file=sys.stderr, flush=True)

    def load(self) -> dict | None:
        """Return the last saved state, or None if it is missing or damaged."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        expected, content = content[:DIGEST], content[DIGEST:]
        if hashlib.sha256(content).digest() != expected:
            print(f"{self.path}: not as it was saved; training starts anew")
            return None
        return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
