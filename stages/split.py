"""Divides the reviews into training, validation and test, and numbers the words: data/tokens -> data/splits."""

from pathlib import Path

from stages import params
from stages.errors import run
from stages.files import write_json
from stages.text.splitting import split_file


def main() -> None:
    settings = params.load()
    metrics = split_file(
        Path("data/tokens/reviews.parquet"), Path("data/splits"), settings.split, settings.seed
    )
    write_json("reports/metrics/split.json", metrics)
    sizes = ", ".join(f"{name} {metrics[name]['reviews']:,}" for name in ("train", "validation", "test"))
    print(f"{sizes} reviews; {metrics['vocabulary']:,} words")


if __name__ == "__main__":
    run(main)
