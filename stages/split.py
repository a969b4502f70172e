"""Divides the reviews into three and numbers the words of training: data/tokens -> data/splits."""

from pathlib import Path

from spoilers.core import params
from spoilers.core.errors import run
from spoilers.core.files import write_json
from spoilers.text.splits import split_file


def main() -> None:
    settings = params.load()
    metrics = split_file(
        Path("data/tokens/reviews.parquet"),
        Path("data/splits"),
        settings.split,
        settings.seed,
        settings.machine.workers,
    )
    words = metrics.pop("vocabulary")
    splits = [{"split": name, **found} for name, found in metrics.items()]
    write_json("reports/metrics/split.json", {"vocabulary": [{"words": words}], "splits": splits})
    sizes = ", ".join(f"{found['split']} {found['reviews']:,}" for found in splits)
    print(f"{sizes} reviews; {words:,} words")


if __name__ == "__main__":
    run(main)
