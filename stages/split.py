"""Splits the reviews into three parts and numbers the training words: data/tokens -> data/splits."""

from pathlib import Path

from spoilers.core import params
from spoilers.core.errors import run
from spoilers.core.files import write_json
from spoilers.text.splits import NAMES, split_file


def main() -> None:
    settings = params.load()
    found = split_file(
        Path("data/tokens/reviews.parquet"),
        Path("data/splits"),
        settings.split,
        settings.seed,
        settings.machine.workers,
    )
    write_json("data/results/split.json", found)
    sizes = ", ".join(f"{name} {found[name]['reviews']:,}" for name in NAMES)
    print(f"{sizes} reviews; {found['vocabulary']:,} words")


if __name__ == "__main__":
    run(main)
