"""The folder of a trained model, and its only loader.

The folder holds all that a prediction needs, wherever it is copied:

    model.safetensors   the weights
    model.json          sizes, thresholds, and a training summary
    vocabulary.txt      the words, one a line, in the order of their ids
    manifest.json       how text is prepared, and a checksum of each other file; it is written last
"""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from stat import S_ISREG
from typing import Annotated, Literal, Protocol

import numpy as np
import safetensors.numpy
import safetensors.torch
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError

from spoilers.core.errors import UserError
from spoilers.core.files import read_json, sha256, write_json
from spoilers.core.params import Model as Sizes
from spoilers.core.params import Section, describe
from spoilers.models import devices
from spoilers.models.counts import all_parameters
from spoilers.models.network import SpoilerRNN
from spoilers.models.scoring import score, sigmoid
from spoilers.text.reviews import Reviews
from spoilers.text.vocabulary import Vocabulary

FORMAT = 4  # raise it when cleaning, tokenizing or a model's code change what a saved model means
WEIGHTS, DESCRIPTION, VOCABULARY = FILES = ("model.safetensors", "model.json", "vocabulary.txt")
MANIFEST = "manifest.json"
AGAIN = "train with `dvc repro`, or copy the whole folder again"
SHOWN = 300  # characters of an error that are shown
Finite = Annotated[float, Field(allow_inf_nan=False)]


class Manifest(Section):
    """The keys of `manifest.json`."""

    format: int
    model: str  # lstm, gru or baseline
    mask_spoiler_word: bool
    lowercase: bool
    sha256: dict[str, str]  # of each other file


class NetworkDescription(BaseModel):
    """The required keys of a network's `model.json`."""

    model_config = ConfigDict(strict=True)
    architecture: dict
    threshold: Finite
    temperature: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    sentence_threshold: Finite | None
    max_tokens: Annotated[int, Field(ge=2)]
    precision: Literal["float32", "bfloat16"]


class BaselineDescription(BaseModel):
    """The required keys of the baseline's `model.json`."""

    model_config = ConfigDict(strict=True)
    vocabulary_size: int
    bias: dict[str, Finite]
    prevalence: Finite
    thresholds: dict[str, Finite]
    sentence_threshold: Finite | None


class SavedModel(Protocol):
    """A loaded model, with the settings that prepare text for it."""

    manifest: Manifest
    vocabulary: Vocabulary
    description: dict  # its model.json
    threshold: float  # from this probability on, a review is called a spoiler
    sentence_threshold: float | None  # likewise for a sentence; None if the model did not learn sentences
    max_tokens: int  # only the head and the tail of a longer review are read

    def probabilities(self, reviews: Reviews) -> tuple[np.ndarray, np.ndarray]:
        """Return the probability of a spoiler in each review (reviews) and each sentence (sentences)."""


class Network:
    """A trained LSTM or GRU on a device."""

    def __init__(self, manifest: Manifest, vocabulary: Vocabulary, folder: Path, device: str):
        self.manifest, self.vocabulary = manifest, vocabulary
        self.description = read_json(folder / DESCRIPTION)
        checked = NetworkDescription.model_validate(self.description)
        self.threshold, self.sentence_threshold = checked.threshold, checked.sentence_threshold
        self.max_tokens, self.precision = checked.max_tokens, checked.precision
        self.temperature = checked.temperature
        weights = read_weights(folder / WEIGHTS)
        check_sizes(checked.architecture, len(vocabulary), weights)
        network = SpoilerRNN(**checked.architecture)
        network.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
        self.device = devices.choose(device)
        self.network = network.to(self.device).eval()
        self.process = os.getpid()

    def probabilities(self, reviews: Reviews) -> tuple[np.ndarray, np.ndarray]:
        """Run the network, and calibrate review probabilities by the temperature fitted on validation.

        Raises:
            UserError: the network is on a GPU, and this process was forked from the one that loaded it.
        """
        if os.getpid() != self.process:
            self.after_fork()
        logits = score(self.network, reviews, self.device, self.precision)
        return sigmoid(logits.reviews, self.temperature), sigmoid(logits.sentences)

    def after_fork(self) -> None:
        """Use one thread: OpenMP's others stayed in the parent, and waiting for them would never end."""
        if self.device.type != "cpu":
            raise UserError(
                f"a model on {self.device.type} cannot be used in a forked process; load it in each process,"
                " or start them by 'spawn'"
            )
        torch.set_num_threads(1)


class Baseline:
    """TF-IDF with logistic regression, and a second model for sentences if they had labels."""

    def __init__(self, manifest: Manifest, vocabulary: Vocabulary, folder: Path):
        from spoilers.models.baselines import WHOLE, Baselines  # scikit-learn: a third of the startup time

        self.manifest, self.vocabulary, self.max_tokens = manifest, vocabulary, WHOLE
        self.description = read_json(folder / DESCRIPTION)
        checked = BaselineDescription.model_validate(self.description)
        if checked.vocabulary_size != len(vocabulary):
            raise ValueError(f"vocabulary_size is not that of {VOCABULARY}")
        self.baselines = Baselines.of(read_weights(folder / WEIGHTS), self.description)
        self.threshold, self.sentence_threshold = checked.thresholds["tfidf"], checked.sentence_threshold

    def probabilities(self, reviews: Reviews) -> tuple[np.ndarray, np.ndarray]:
        of_reviews = self.baselines.tfidf.probabilities(self.baselines.features.matrix(reviews))
        return of_reviews, self.baselines.of_sentences(reviews)


def save(
    folder: Path,
    name: str,
    weights: Mapping[str, np.ndarray | torch.Tensor],
    description: dict,
    vocabulary: Path,
    mask_spoiler_word: bool,
    lowercase: bool,
) -> None:
    """Write a model and, last, its manifest into an empty folder; `description` becomes `model.json`."""
    write_json(folder / DESCRIPTION, description)
    tensors = {name: torch.as_tensor(values).contiguous() for name, values in weights.items()}
    safetensors.torch.save_file(tensors, folder / WEIGHTS)
    shutil.copymode(folder / DESCRIPTION, folder / WEIGHTS)  # safetensors makes it readable by its owner only
    shutil.copyfile(vocabulary, folder / VOCABULARY)
    manifest = Manifest(
        format=FORMAT,
        model=name,
        mask_spoiler_word=mask_spoiler_word,
        lowercase=lowercase,
        sha256={name: sha256(folder / name) for name in sorted(FILES)},
    )
    write_json(folder / MANIFEST, manifest.model_dump())


def load(folder: Path, device: str = "auto", vocabulary: Path | None = None) -> Network | Baseline:
    """Load a model from its folder; put a network on the device.

    Raises:
        UserError: the folder is not a model's, is incomplete or damaged, or of another version; or the
            model was trained with another vocabulary than the file `vocabulary`.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: is not a model's folder; {AGAIN}")
    manifest = check(folder)
    if vocabulary and sha256(vocabulary) != manifest.sha256[VOCABULARY]:
        raise UserError(f"{folder}: was trained with another vocabulary than {vocabulary}; train again")
    with one_line(folder / VOCABULARY):
        words = Vocabulary.load(folder / VOCABULARY)
    with one_line(folder):
        if manifest.model == "baseline":
            return Baseline(manifest, words, folder)
        return Network(manifest, words, folder, device)


def check(folder: Path) -> Manifest:
    """Read the manifest; check that it lists all files and that they are unchanged.

    Raises:
        UserError: a file is missing, damaged, not a regular file, or of another version.
    """
    path = folder / MANIFEST
    with one_line(path):
        check_regular(path)
        values = read_json(path)
        if values["format"] != FORMAT:
            raise UserError(
                f"{folder}: was made by another version of this project (its format is {values['format']!r},"
                f" this version reads {FORMAT}); train again, or use the version that made it"
            )
        manifest = Manifest.model_validate(values)
        if manifest.sha256.keys() != set(FILES):
            raise ValueError(f"it must list {', '.join(FILES)}, and nothing else")
    for name in FILES:
        with one_line(folder / name):
            check_regular(folder / name)
            if sha256(folder / name) != manifest.sha256[name]:
                raise UserError(f"{folder / name}: is damaged or of another model; {AGAIN}")
    return manifest


def check_regular(path: Path) -> None:
    """Refuse pipes and devices, which never end; links to files pass, as DVC can link to its cache."""
    if not S_ISREG(path.stat().st_mode):
        raise ValueError("it is no regular file")


@contextmanager
def one_line(path: Path) -> Iterator[None]:
    """Turn any error from a damaged file into one line that names it."""
    try:
        yield
    except OSError as error:
        raise UserError(f"{error.filename or path}: {error.strerror or error}; {AGAIN}") from error
    except ValidationError as error:
        why = "; ".join(map(describe, error.errors()))[:SHOWN]
        raise UserError(f"{path}: is damaged or of another version ({why}); {AGAIN}") from error
    except (
        ValueError, KeyError, TypeError, AttributeError, RuntimeError, RecursionError, SafetensorError
    ) as error:  # fmt: skip
        why = " ".join(str(error).split())[:SHOWN]
        raise UserError(f"{path}: is damaged or of another version ({why}); {AGAIN}") from error


def read_weights(path: Path) -> dict[str, np.ndarray]:
    """Read arrays by name.

    Raises:
        ValueError: one holds infinity or NaN.
    """
    weights = safetensors.numpy.load_file(path)
    for name, array in weights.items():
        if not np.isfinite(array).all():
            raise ValueError(f"{name} holds numbers that are not finite")
    return weights


def check_sizes(architecture: dict, words: int, weights: Mapping[str, np.ndarray]) -> None:
    """Check, before a network is built, that its sizes match the number of weights.

    Raises:
        ValueError: they do not match, or a size is invalid.
    """
    sizes = dict(architecture)
    cell = sizes.pop("cell")
    if sizes.pop("vocabulary_size") != words:
        raise ValueError(f"architecture: vocabulary_size is not that of {VOCABULARY}")
    checked = Sizes.model_validate({**sizes, "vectors": None, "freeze_vectors": False})
    if all_parameters(cell, checked, words) != sum(array.size for array in weights.values()):
        raise ValueError(f"architecture: its sizes are not those of {WEIGHTS}")
