"""Tabulate the counts for data/results/data.json."""

import numpy as np

from spoilers.report.inspection.counting import PARTS, Counts, Histogram
from spoilers.report.inspection.shares import share_tables
from spoilers.text.vocabulary import WordCounts

CLASSES = ("no spoiler", "spoiler")
QUANTILES = {"p5": 0.05, "p25": 0.25, "median": 0.5, "p75": 0.75, "p95": 0.95}
BIN = 2**0.5  # the factor from one bin of lengths to the next


def describe(counts: Counts) -> dict:
    """Return all counts as numbers; a table is a list of rows."""
    shares = share_tables(
        {key: (values, *counts.grouped_tables(key)) for key, values in counts.values.items()}
    )
    return {
        "classes": class_table(counts),
        "lengths": [
            *length_rows("tokens in a review", counts.review_tokens),
            *length_rows("sentences in a review", counts.review_sentences),
            *length_rows("tokens in a sentence", counts.sentence_tokens),
        ],
        "positions": position_table(counts),
        "place": mean_place(counts),
        "ratings": shares["rating"],
        "years": shares["year"],
        "groups": {"book": group_sizes(counts.books), "user": group_sizes(counts.users)},
    }


def class_table(counts: Counts) -> dict[str, dict]:
    """Return the reviews and the labelled sentences of each class."""
    reviews, sentences = counts.review_tokens.counts, counts.sentence_tokens.counts
    return {
        name: {"reviews": total(reviews, i), "labelled_sentences": total(sentences, i)}
        for i, name in enumerate(CLASSES)
    }


def total(counts: np.ndarray, kind: int) -> int:
    return int(counts[:, kind].sum())


def length_rows(what: str, lengths: Histogram) -> list[dict]:
    """Return the mean and exact quantiles in each class that occurs."""
    rows = []
    for name, counts in zip(CLASSES, lengths.counts.T, strict=True):
        if counts.any():
            ends = np.cumsum(counts)
            mean = (np.arange(len(counts)) * counts).sum() / ends[-1]
            quantiles = {key: int(np.searchsorted(ends, q * ends[-1])) for key, q in QUANTILES.items()}
            longest = int(np.flatnonzero(counts)[-1])
            rows.append(
                {"what": what, "class": name, "mean": round(mean, 1), **quantiles, "longest": longest}
            )
    return rows


def length_curve(lengths: Histogram) -> list[dict]:
    """Return the share of each class's reviews in bins of length, each `BIN` times as wide as the last."""
    longest = max(len(lengths.counts), 2)
    edges = np.unique(np.round(BIN ** np.arange(np.log(longest) / np.log(BIN) + 1)).astype(int))
    binned = np.add.reduceat(lengths.counts, edges[edges < len(lengths.counts)])
    shares = binned / np.maximum(binned.sum(axis=0), 1)
    return [
        {"tokens": int(edge), "no_spoiler": float(without), "spoiler": float(with_one)}
        for edge, (without, with_one) in zip(edges, shares, strict=False)
    ]


def position_table(counts: Counts) -> list[dict]:
    """Return the share of flagged sentences in each tenth of the longer spoiler reviews."""
    return [
        {
            "part": part + 1,
            "sentences": int(without + flagged),
            "flagged": int(flagged),
            "share": round(flagged / (without + flagged), 4),
        }
        for part, (without, flagged) in enumerate(counts.parts.counts[:PARTS])
    ]


def mean_place(counts: Counts) -> dict | None:
    """Return the mean position of spoilers in a review, and its standard error over reviews."""
    places = counts.places
    if places.number < 2:
        return None
    return {"reviews": places.number, "mean": round(places.mean, 4), "error": round(places.error, 4)}


def group_sizes(groups: WordCounts) -> dict | None:
    """Return the reviews per book or user, and the busiest tenth's share of all reviews."""
    reviews = np.sort(groups.table()["count"].to_numpy())[::-1]
    if not len(reviews):
        return None
    busiest = reviews[: -(-len(reviews) // 10)].sum()
    return {
        "groups": len(reviews),
        "mean": round(float(reviews.mean()), 1),
        "median": float(np.median(reviews)),
        "most": int(reviews[0]),
        "share_of_busiest_tenth": round(float(busiest / reviews.sum()), 4),
    }
