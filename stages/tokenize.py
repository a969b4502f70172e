"""Splits the sentences into tokens: data/clean -> data/tokens."""

if __name__ == "tokenize":  # `python stages/X.py` imports this file instead of the standard library's
    raise SystemExit("error: run a stage as a module from the project's root: python -m stages.NAME")

from pathlib import Path

from spoilers.core import params
from spoilers.core.errors import run
from spoilers.text.token_table import tokenize_file


def main() -> None:
    settings = params.load()
    reviews, tokens = tokenize_file(
        Path("data/clean/reviews.parquet"),
        Path("data/tokens/reviews.parquet"),
        settings.tokenize.lowercase,
        settings.machine.workers,
    )
    print(f"{tokens:,} tokens in {reviews:,} reviews")


if __name__ == "__main__":
    run(main)
