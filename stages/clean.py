"""Validates and normalises the reviews: data/raw -> data/clean."""

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
    rows = [{"count": name, "reviews": count} for name, count in counts.items()]
    write_json("reports/metrics/clean.json", {"counts": rows})
    print(f"kept {counts['kept']:,} of {counts['read']:,} reviews")


if __name__ == "__main__":
    run(main)
