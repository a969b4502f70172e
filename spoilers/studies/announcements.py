"""Sentences that announce a spoiler, and reviews with such sentences or words hidden from the models."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from spoilers.text.reviews import Reviews
from spoilers.text.vocabulary import UNKNOWN, Vocabulary

# Phrases, in any case; a star matches any ending. A sentence announces a spoiler if it contains a phrase of
# the first list and none of the second. The lists are short and miss some announcements, so the measured
# effect is a lower bound.
ANNOUNCING = (
    "spoil*",
    "plot details",
    "gives away",
    "giving away",
    "give away",
    "stop reading",
    "do not read",
    "don't read",
    "be warned",
    "been warned",
    "yourself warned",
    "at your own risk",
    "turn back",
    "look away",
    "skip the next",
    "talk about the ending",
    "discuss the ending",
    "ruin the surprise",
    "ruin the ending",
    "if you haven't read",
    "if you have not read",
)
ASSURING = (
    "no spoil*",
    "not spoil*",
    "not a spoil*",
    "won't spoil*",
    "without spoil*",
    "without any spoil*",
    "without giving away",
    "not give away",
    "won't give away",
    "spoil* free",
    "spoil* - free",
    "free of spoil*",
    "clean of spoil*",
    "avoid spoil*",
    "nothing i say here will spoil*",
    "be a spoil*",
    "single spoil*",
)


def announces(reviews: Reviews, vocabulary: Vocabulary) -> np.ndarray:
    """Return which sentences announce a spoiler, bool (sentences)."""
    announcing, assuring = (
        sentences_with(reviews, vocabulary, patterns) for patterns in (ANNOUNCING, ASSURING)
    )
    return announcing & ~assuring


def sentences_with(reviews: Reviews, vocabulary: Vocabulary, patterns: Sequence[str]) -> np.ndarray:
    """Return which sentences contain a pattern, bool (sentences)."""
    words = np.array([word.casefold().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").strip("<>")
                      for word in vocabulary.words])  # fmt: skip
    sentence = np.repeat(np.arange(len(reviews.sentence_lengths)), reviews.sentence_lengths)
    found = np.zeros(len(reviews.sentence_lengths), bool)
    for pattern in patterns:
        parts = pattern.split()
        starts = np.arange(max(len(sentence) - len(parts) + 1, 0))
        starts = starts[sentence[starts] == sentence[starts + len(parts) - 1]]
        for place, part in enumerate(parts):
            prefix = part.removesuffix("*")
            named = np.char.startswith(words, prefix) if part != prefix else words == part
            starts = starts[named[reviews.ids[starts + place]]]
        found[sentence[starts]] = True
    return found


def without_sentences(reviews: Reviews, hidden: np.ndarray) -> Reviews:
    """Replace the words of the `hidden` sentences with unknown words, which are not features."""
    tokens = np.repeat(hidden, reviews.sentence_lengths)
    return replace(reviews, ids=np.where(tokens, UNKNOWN, reviews.ids).astype(np.int32))


def without_word(reviews: Reviews, vocabulary: Vocabulary) -> Reviews:
    """Replace every form of `spoiler` in the reviews with an unknown word."""
    named = np.array(["spoil" in word.casefold() for word in vocabulary.words])
    return replace(reviews, ids=np.where(named[reviews.ids], UNKNOWN, reviews.ids).astype(np.int32))
