"""A trained model as two files: `model.safetensors` and `model.json`."""

import json
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from spoilers.core.errors import UserError
from spoilers.core.files import read_json, sha256, write_json
from spoilers.models.network import SpoilerRNN


def save(folder: Path, weights: dict[str, Tensor], settings: dict) -> None:
    """Write weights and settings (`architecture`, `vocabulary_sha256`, `threshold`, ...) into a folder."""
    save_file({name: tensor.contiguous() for name, tensor in weights.items()}, folder / "model.safetensors")
    write_json(folder / "model.json", settings)


def load(folder: Path, vocabulary: Path | None = None) -> tuple[SpoilerRNN, dict]:
    """Read a model and its settings; with `vocabulary`, check that it is the one the model was trained with.

    Raises:
        UserError: a file is missing or damaged, or the vocabulary is another one.
    """
    try:
        settings = read_json(folder / "model.json")
        model = SpoilerRNN(**settings["architecture"])
        model.load_state_dict(load_file(folder / "model.safetensors"))
    except FileNotFoundError as error:
        raise UserError(f"{error.filename or folder}: is missing; train with `dvc repro`") from error
    except (json.JSONDecodeError, KeyError, TypeError, SafetensorError, RuntimeError) as error:
        raise UserError(f"{folder}: is damaged or of another version ({error}); train again") from error
    if vocabulary and sha256(vocabulary) != settings["vocabulary_sha256"]:
        raise UserError(f"{folder}: was trained with another vocabulary than {vocabulary}; train again")
    return model.eval(), settings
