"""Splits the sentences into tokens: data/clean -> data/tokens."""

from pathlib import Path

from stages import params
from stages.errors import run
from stages.text.token_table import tokenize_file


def main() -> None:
    settings = params.load().tokenize
    reviews, tokens = tokenize_file(
        Path("data/clean/reviews.parquet"), Path("data/tokens/reviews.parquet"), settings.lowercase
    )
    print(f"{tokens:,} tokens in {reviews:,} reviews")


if __name__ == "__main__":
    run(main)
