"""Encoded reviews as files that several processes map into memory, so that all of them share one copy."""

from dataclasses import fields
from pathlib import Path

import numpy as np

from spoilers.text.reviews import Reviews


def write_arrays(reviews: Reviews, folder: Path) -> None:
    """Write each array as `<name>.npy` into a folder."""
    folder.mkdir()
    for field in fields(Reviews):
        np.save(folder / f"{field.name}.npy", getattr(reviews, field.name))


def map_arrays(folder: Path) -> Reviews:
    """Return the reviews of `write_arrays`; what a process writes to them stays its own."""
    arrays = {field.name: np.load(folder / f"{field.name}.npy", mmap_mode="c") for field in fields(Reviews)}
    return Reviews(**{name: np.asarray(array) for name, array in arrays.items()})
