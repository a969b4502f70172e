"""Computes statistics of the reviews: data/splits -> data/results/data.json, reports/curves."""

if __name__ == "inspect":  # `python stages/X.py` imports this file instead of the standard library's
    raise SystemExit("error: run a stage as a module from the project's root: python -m stages.NAME")

from pathlib import Path

from spoilers.core.errors import run
from spoilers.core.files import write_json, write_text
from spoilers.metrics.tables import to_csv
from spoilers.report.inspection.counting import count_splits
from spoilers.report.inspection.tables import describe, length_curve
from spoilers.report.inspection.words import telling_words
from spoilers.text.vocabulary import Vocabulary

SPLITS = Path("data/splits")


def main() -> None:
    words = Vocabulary.load(SPLITS / "vocabulary.txt").words
    counts, held = count_splits(SPLITS, len(words))
    telling, tested = telling_words(held, words)
    tables = describe(counts) | {"words": telling, "words_tested": tested}
    write_json("data/results/data.json", tables)
    write_text("reports/curves/review_lengths.csv", to_csv(length_curve(counts.review_tokens)))
    print(f"data/results/data.json: {len(tables)} tables of {counts.review_tokens.counts.sum():,} reviews")


if __name__ == "__main__":
    run(main)
