"""Validates and normalises the reviews: data/raw -> data/clean, data/results/clean.json."""

from pathlib import Path

from spoilers.core import params
from spoilers.core.errors import run
from spoilers.core.files import write_json
from spoilers.corpus.cleaning import clean


def main() -> None:
    settings = params.load()
    folder = Path("data/clean")
    counts = clean(
        Path("data/raw/reviews.json.gz"),
        folder / "reviews.parquet",
        folder / "rejected.jsonl",
        settings.clean,
        settings.machine.workers,
    )
    write_json("data/results/clean.json", counts)
    print(f"kept {counts['kept']:,} of {counts['read']:,} reviews")


if __name__ == "__main__":
    run(main)
