"""Scores on parts of the test reviews, to show where the models are better and worse."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spoilers.metrics.evaluation import Evaluation, rounded
from spoilers.metrics.intervals import Ranking, interval
from spoilers.metrics.scores import ranking_scores
from spoilers.text.reviews import labels_or_nan

LENGTHS = (0, 64, 128, 256, 512)  # tokens
FEWEST = 5  # books with spoilers; with fewer, an interval over books says nothing
# Columns read of the test reviews besides the words: for slices and sizes, and to identify reviews.
COLUMNS = [
    "review_id", "book_id", "user_id", "date", "rating", "label", "sentence_lengths", "sentence_labels"
]  # fmt: skip
Slices = list[tuple[str, str, np.ndarray]]  # kind, name and rows of each slice


def test_size(table: pa.Table) -> dict[str, int]:
    """Return how many reviews, books and users a split's table has."""
    spoilers = table.filter(table["label"])
    of = {"": table, "_with_spoilers": spoilers}
    counts = {f"books{end}": len(part["book_id"].unique()) for end, part in of.items()}
    return {
        "reviews": len(table),
        "spoilers": len(spoilers),
        **counts,
        "users": len(table["user_id"].unique()),
    }


def slices_of(table: pa.Table, books_of_training: pa.Array, read: np.ndarray) -> Slices:
    """Return the slices of a split's table.

    `read` tells for each review whether the network reads a flagged sentence: it skips the middle
    of a long review.
    """
    of_sentences, review = sentences_of(table)
    lengths = np.bincount(review, of_sentences, len(table))
    seen = pc.is_in(table["book_id"], books_of_training).to_numpy()
    years = pc.fill_null(pc.year(table["date"]), 0).to_numpy()
    ratings = pc.fill_null(table["rating"], 0).to_numpy()
    labels = table["label"].to_numpy()
    found = [("length", name, rows) for name, rows in length_slices(lengths)]
    found += [("rating", f"{r} of 5" if r else "no rating", ratings == r) for r in np.unique(ratings)]
    found += [("year", str(year) if year else "no date", years == year) for year in np.unique(years)]
    found += [("book", "seen in training", seen), ("book", "not seen in training", ~seen)]
    # Spoilers of one kind, against all reviews without a spoiler.
    position = [(name, rows) for name, rows in position_slices(table, read) if rows.any()]
    found += [("spoiler", name, rows | ~labels) for name, rows in position]
    return [(by, name, np.flatnonzero(rows)) for by, name, rows in found if rows.any()]


def length_slices(lengths: np.ndarray) -> Slices:
    bounds = zip(LENGTHS, (*LENGTHS[1:], None), strict=True)
    return [
        (f"{low + 1} to {high} tokens", (lengths > low) & (lengths <= high))
        if high
        else (f"more than {low} tokens", lengths > low)
        for low, high in bounds
    ]


def position_slices(table: pa.Table, read: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """Return slices by the place of a review's first flagged sentence; reviews without flags are in none."""
    place = first_flag(table)
    known = ~np.isnan(place)
    thirds = [known & read & (place * 3 // 1 == i) for i in range(3)]
    names = ("in the first third", "in the second third", "in the last third")
    return [*zip(names, thirds, strict=True), ("in the part that is not read", known & ~read)]


def first_flag(table: pa.Table) -> np.ndarray:
    """Return the place of the first flagged sentence's middle, as a share of the tokens; else nan."""
    lengths, review = sentences_of(table)
    total = np.bincount(review, lengths, len(table))
    before = np.cumsum(lengths) - lengths - (np.cumsum(total) - total)[review]  # tokens of the same review
    labels = labels_or_nan(
        table["sentence_labels"].combine_chunks(), np.bincount(review, minlength=len(table))
    )
    flagged = np.flatnonzero((labels == 1) & (total[review] > 0))
    rows, first = np.unique(review[flagged], return_index=True)
    at = flagged[first]
    places = np.full(len(table), np.nan)
    places[rows] = (before[at] + lengths[at] / 2) / total[rows]
    return np.minimum(places, 1 - 1e-9)


def sentences_of(table: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """Return each sentence's token count and the index of its review, both int64 (sentences)."""
    lists = table["sentence_lengths"].combine_chunks()
    counts = np.diff(lists.offsets.to_numpy())
    return lists.flatten().to_numpy().astype(np.int64), np.repeat(np.arange(len(table)), counts)


def score_slices(slices: Slices, evaluation: Evaluation, models: list[str]) -> list[dict]:
    """Return size and scores of each slice and model; a network's are of its first training.

    Only ROC-AUC has an interval: unlike average precision, it can be compared between slices with
    different shares of spoilers. The intervals hold jointly (Bonferroni): the chance that any of them misses
    its value is at most 1 - confidence, so any two without overlap show a difference. A slice of one class
    has no scores; one with spoilers from fewer than `FEWEST` books has no interval.
    """
    records, resampled = [], []
    for by, name, rows in slices:
        size = size_of(rows, evaluation)
        for model in models:
            labels, p = evaluation.labels[rows], evaluation.probabilities[model][0][rows]
            record = {"by": by, "slice": name, "model": model, **size}
            if 0 < size["spoilers"] < len(rows):
                record |= rounded(ranking_scores(labels, p))
                if size["books_with_spoilers"] >= FEWEST:
                    values = evaluation.resamples.apply(Ranking(labels, p).roc_auc, rows)
                    resampled.append((record, values, len(np.unique(evaluation.resamples.book[rows]))))
            records.append(record)
    level = 1 - (1 - evaluation.confidence) / max(len(resampled), 1)
    for record, values, books in resampled:
        record |= rounded(dict(zip(("low", "high"), interval(values, level, books), strict=True)))
    return records


def size_of(rows: np.ndarray, evaluation: Evaluation) -> dict[str, int]:
    """Return the numbers of reviews at `rows`, of spoilers among them, and of books with spoilers."""
    spoilers = rows[evaluation.labels[rows] > 0]
    books = len(np.unique(evaluation.resamples.book[spoilers]))
    return {"reviews": len(rows), "spoilers": len(spoilers), "books_with_spoilers": books}
