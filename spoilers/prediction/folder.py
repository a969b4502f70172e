"""A model's folder, complete: beside the model the vocabulary and how text is prepared for it.

So the folder is all that is needed, wherever it is copied to. `manifest.json` has a sum of each
file: one that is damaged, or that belongs to another model, is refused.
"""

import shutil
from pathlib import Path

from pydantic import ValidationError

from spoilers.core.errors import UserError
from spoilers.core.files import read_json, sha256, write_json
from spoilers.core.params import Section
from spoilers.text.vocabulary import Vocabulary

FORMAT = 1  # to be raised when cleaning, tokenizing or a model's code change what a saved model means
MODELS = Path("data/models")
MANIFEST, VOCABULARY = "manifest.json", "vocabulary.txt"


class Manifest(Section):
    format: int
    model: str  # lstm, gru or baseline
    mask_spoiler_word: bool
    lowercase: bool
    sha256: dict[str, str]  # of each file but this one


def complete(folder: Path, model: str, vocabulary: Path, mask_spoiler_word: bool, lowercase: bool) -> None:
    """Put the vocabulary and, last, the manifest into the folder of a model."""
    shutil.copyfile(vocabulary, folder / VOCABULARY)
    sums = {path.name: sha256(path) for path in sorted(folder.iterdir()) if path.name != MANIFEST}
    manifest = Manifest(
        format=FORMAT, model=model, mask_spoiler_word=mask_spoiler_word, lowercase=lowercase, sha256=sums
    )
    write_json(folder / MANIFEST, manifest.model_dump())


def check(folder: Path) -> tuple[Manifest, Vocabulary]:
    """Read what `complete` wrote, and see whether all files are there and as they were.

    Raises:
        UserError: the folder is not a model's, is incomplete or damaged, or of another version.
    """
    again = "train with `dvc repro`, or copy the whole folder again"
    if not folder.is_dir():
        raise UserError(f"{folder}: is not a model's folder; {again}")
    try:
        values = read_json(folder / MANIFEST)
        version = values["format"]
        if version != FORMAT:
            raise UserError(
                f"{folder}: was made by another version of this project (its format is {version}, this"
                f" version reads {FORMAT}); train again, or use the version that made it"
            )
        manifest = Manifest.model_validate(values)
        for name, expected in manifest.sha256.items():
            if sha256(folder / name) != expected:
                raise UserError(f"{folder / name}: is damaged or of another model; {again}")
    except OSError as error:
        raise UserError(f"{error.filename}: {error.strerror}; {again}") from error
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise UserError(f"{folder / MANIFEST}: is damaged; {again}") from error
    return manifest, Vocabulary.load(folder / VOCABULARY)


def model_folder(name: str) -> Path:
    """The folder of a model of this project, or else any folder."""
    named = MODELS / name
    return Path(name) if Path(name).is_dir() and not named.is_dir() else named
