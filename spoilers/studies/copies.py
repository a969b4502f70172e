"""Test sentences that occur word for word in training, and scores without them."""

import numpy as np
import pandas as pd
import pyarrow as pa

from spoilers.metrics.evaluation import rounded
from spoilers.metrics.intervals import Ranking, Resamples, interval
from spoilers.metrics.scores import ranking_scores, roc_auc
from spoilers.text.reviews import Reviews, ranges

MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # odd; 2**64 over the golden ratio


def sentence_hashes(tokens: pa.ListArray, lengths: np.ndarray) -> np.ndarray:
    """Return a hash of each sentence, uint64 (sentences): equal for equal sequences of tokens.

    It is the sum of the tokens' own hashes, each times `MULTIPLIER` to the power of its place, modulo 2**64.
    Memory holds these eight bytes a sentence instead of its text.

    Args:
        tokens: lists of dictionary-encoded strings, one a review.
        lengths: tokens in each sentence of all reviews, (sentences).
    """
    words, lengths = tokens.flatten(), lengths.astype(np.int64)
    of_words = pd.util.hash_array(words.dictionary.to_numpy(zero_copy_only=False).astype(object))
    place = ranges(np.zeros(len(lengths), np.int64), lengths)
    powers = np.cumprod(np.full(place.max(initial=0) + 1, MULTIPLIER))
    sums = np.cumsum(of_words[words.indices.to_numpy()] * powers[place], dtype=np.uint64)
    ends, sums = np.cumsum(lengths), np.append(np.uint64(0), sums)
    return sums[ends] - sums[ends - lengths]


def of_copies(
    test: Reviews, copied: np.ndarray, probabilities: tuple[np.ndarray, np.ndarray], resamples: Resamples,
    confidence: float,
) -> dict:  # fmt: skip
    """Return the share of copied sentences, and scores on the whole test split and on its new part.

    New sentences are those that are not copied. New reviews are those without a copied flagged sentence:
    training did not show the evidence for their label. `novelty_auc` is the sentence AUC of a model that
    knows only whether a sentence is copied.

    Args:
        copied: which sentences occur in training, bool (sentences).
        probabilities: a model's, of reviews (reviews) and of sentences (sentences).
        resamples: of the books of the test reviews.
    """
    labels, review = test.sentence_labels, test.review_of_sentence
    kinds = {"all": np.ones(len(labels), bool), "flagged": labels == 1, "others": labels == 0}
    found: dict = {"sentences": {kind: share_of(copied[rows]) for kind, rows in kinds.items()}}
    if kinds["flagged"].any() and kinds["others"].any():
        known = ~np.isnan(labels)
        found["novelty_auc"] = round(roc_auc(labels[known], 1.0 - copied[known]), 4)
        of_sentence = Resamples(resamples.drawn, resamples.book[review])
        for name, rows in (("all", known), ("new", known & ~copied)):
            auc = scored(labels, probabilities[1], np.flatnonzero(rows), of_sentence, confidence)
            found[f"{name}_sentences"] = auc
    old = np.bincount(review, copied & kinds["flagged"], len(test)) > 0
    for name, rows in (("all", np.ones(len(test), bool)), ("new", ~old)):
        found[f"{name}_reviews"] = scored(
            test.labels, probabilities[0], np.flatnonzero(rows), resamples, confidence
        )
    return found


def share_of(copied: np.ndarray) -> dict:
    """Return the number of sentences and the share that is copied, None without a sentence."""
    return {"number": len(copied), "copied": round(float(copied.mean()), 4) if len(copied) else None}


def scored(
    labels: np.ndarray, p: np.ndarray, rows: np.ndarray, resamples: Resamples, confidence: float
) -> dict:
    """Return number, share of spoilers and both ranking scores, with their intervals, at `rows`.

    There are no scores if one of the classes is missing.
    """
    labels, p = labels[rows], p[rows]
    found = {"number": len(rows), "prevalence": round(float(labels.mean()), 4) if len(rows) else 0.0}
    if len(np.unique(labels)) < 2:
        return found
    books = len(np.unique(resamples.book[rows]))
    lows, highs = interval(resamples.apply(Ranking(labels, p).scores, rows), confidence, books)
    for i, (name, value) in enumerate(ranking_scores(labels, p).items()):
        found |= rounded({name: value, f"{name}_low": float(lows[i]), f"{name}_high": float(highs[i])})
    return found
