"""Chooses the reviews of a study, `sweep` or `ablation`: data/splits -> data/study_data."""

import argparse
import shutil
from pathlib import Path

from spoilers.core import params
from spoilers.core.errors import run
from spoilers.core.files import replacing_folder
from spoilers.studies.sample import choose_reviews

SPLITS = Path("data/splits")
PARTS = {"sweep": ("train", "validation", "test"), "ablation": ("train", "validation")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", choices=PARTS)
    study = parser.parse_args().study
    settings = params.load()
    count = getattr(settings, study).reviews
    with replacing_folder(f"data/study_data/{study}") as folder:
        for part in PARTS[study]:
            name = f"{part}.parquet"
            chosen = choose_reviews(SPLITS / name, folder / name, count, settings.seed)
            print(f"{part}: {chosen:,} reviews")
        shutil.copyfile(SPLITS / "vocabulary.txt", folder / "vocabulary.txt")


if __name__ == "__main__":
    run(main)
