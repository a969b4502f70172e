"""Measures what gives labels away: data/tokens -> reports/metrics/leakage.json."""

from pathlib import Path

from stages import params
from stages.baselines.leakage import measure
from stages.errors import run
from stages.files import write_json


def main() -> None:
    found = measure(Path("data/tokens/reviews.parquet"), params.load())
    write_json("reports/metrics/leakage.json", found)
    for row in found["splits"]:
        print(f"TF-IDF, split by {row['split']}: average precision {row['average_precision']:.4f}")


if __name__ == "__main__":
    run(main)
