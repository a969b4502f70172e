"""Measures what gives labels away: data/tokens -> reports/metrics/leakage.json."""

from pathlib import Path

from spoilers.core import params
from spoilers.core.errors import run
from spoilers.core.files import write_json
from spoilers.studies.leakage import measure


def main() -> None:
    found = measure(Path("data/tokens/reviews.parquet"), params.load())
    write_json("reports/metrics/leakage.json", found)
    for row in found["splits"]:
        print(f"TF-IDF, split by {row['split']}: average precision {row['average_precision']:.4f}")


if __name__ == "__main__":
    run(main)
