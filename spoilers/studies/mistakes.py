"""The mistakes that a model was surest of, and the words that led it there."""

import numpy as np

KINDS = ("false alarm", "missed spoiler")
COUNT = 5  # mistakes of each kind
WORDS = 3  # words of each mistake


def surest(labels: np.ndarray, probabilities: np.ndarray, threshold: float) -> list[tuple[str, int]]:
    """Kind and row of the wrong decisions that are furthest from the threshold, surest first."""
    called = probabilities >= threshold
    order = np.argsort(probabilities, kind="stable")
    false_alarms = order[(called & (labels == 0))[order]][::-1]
    missed = order[(~called & (labels > 0))[order]]
    both = zip(KINDS, (false_alarms, missed), strict=True)
    return [(kind, int(row)) for kind, rows in both for row in rows[:COUNT]]


def leading(kind: str, contributions: np.ndarray) -> np.ndarray:
    """The places of the tokens that moved the logit most towards the mistake."""
    towards = contributions if kind == KINDS[0] else -contributions
    order = np.argsort(-towards, kind="stable")[:WORDS]
    return order[towards[order] > 0]


def sentence_at(place: int, words: list[str], sentence_lengths: np.ndarray) -> list[str]:
    """Of a review's words, the sentence around one of them: before it, the word, after it."""
    ends = np.cumsum(sentence_lengths)
    which = int(np.searchsorted(ends, place, side="right"))
    start, end = ends[which] - sentence_lengths[which], ends[which]
    return [" ".join(words[start:place]), words[place], " ".join(words[place + 1 : end])]
