"""Measures label leakage: data/tokens -> data/results/leakage.json."""

from pathlib import Path

from spoilers.core import params
from spoilers.core.errors import run
from spoilers.core.files import write_json
from spoilers.studies.leakage import measure


def main() -> None:
    found = measure(Path("data/tokens/reviews.parquet"), params.load())
    write_json("data/results/leakage.json", found)
    for by, row in found["splits"].items():
        print(f"TF-IDF, split by {by}: average precision {row['average_precision']:.4f}")


if __name__ == "__main__":
    run(main)
