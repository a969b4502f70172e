"""Chooses the reviews of the optimizer study: data/splits -> data/sweep_data."""

import shutil
from pathlib import Path

from spoilers.core import params
from spoilers.core.errors import run
from spoilers.core.files import replacing_folder
from spoilers.studies.sample import choose_reviews

SPLITS = Path("data/splits")


def main() -> None:
    settings = params.load()
    with replacing_folder("data/sweep_data") as folder:
        for part in ("train", "validation", "test"):
            name = f"{part}.parquet"
            chosen = choose_reviews(SPLITS / name, folder / name, settings.sweep.reviews, settings.seed)
            print(f"{part}: {chosen:,} reviews")
        shutil.copyfile(SPLITS / "vocabulary.txt", folder / "vocabulary.txt")


if __name__ == "__main__":
    run(main)
