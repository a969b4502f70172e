"""Store encoded reviews in files that several processes map into memory, so that they share one copy."""

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path

import numpy as np

from spoilers.text.reviews import Reviews


def write_arrays(parts: Iterable[Reviews], folder: Path) -> None:
    """Write the reviews of all parts, in order; one part is in memory at a time.

    Each array becomes a file of raw bytes, named after the array and its type: `ids.int32`.
    """
    folder.mkdir()
    tokens = sentences = 0
    with ExitStack() as stack:
        files = {}
        for part in parts:
            arrays = vars(part) | {
                "token_ends": part.token_ends + tokens,
                "sentence_ends": part.sentence_ends + sentences,
            }
            for name, array in arrays.items():
                if name not in files:
                    files[name] = stack.enter_context((folder / f"{name}.{array.dtype}").open("wb"))
                array.tofile(files[name])
            tokens, sentences = tokens + len(part.ids), sentences + len(part.sentence_lengths)


def map_arrays(folder: Path) -> Reviews:
    """Map the files of `write_arrays` as reviews; a process's changes stay private to it."""
    files = {field.name: next(folder.glob(f"{field.name}.*")) for field in fields(Reviews)}
    return Reviews(**{name: map_array(path) for name, path in files.items()})


def map_array(path: Path) -> np.ndarray:
    """Return a file of `write_arrays` as an array, mapped unless it is empty."""
    dtype = np.dtype(path.suffix[1:])
    return np.asarray(np.memmap(path, dtype, mode="c")) if path.stat().st_size else np.empty(0, dtype)
