"""The mistakes that a network was surest of, and the words that led it there."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import torch

from spoilers.metrics.evaluation import Evaluation
from spoilers.models.batches import assemble
from spoilers.models.network import SpoilerRNN
from spoilers.studies.comparison import Network
from spoilers.text.reviews import Reviews

KINDS = ("false alarm", "missed spoiler")
COUNT = 5  # mistakes of each kind
WORDS = 3  # words of each mistake


def surest_of_all(
    evaluation: Evaluation, networks: dict[str, Network], test: pa.Table, words: list[str] | None
) -> list[dict]:
    """Return the surest mistakes of each network's first training, with the ids of reviews and books.

    The words are given by their ids; with `words`, the vocabulary's, the sentence is there as text too.
    """
    return [
        {"model": name, **{key: test[key][row].as_py() for key in ("review_id", "book_id")}, **found}
        for name, network in networks.items()
        for row, found in explain(
            network.model,
            network.test,
            evaluation.probabilities[name][0],
            evaluation.thresholds[name][0],
            words,
        )
    ]


def explain(
    model: SpoilerRNN, test: Reviews, probabilities: np.ndarray, threshold: float, words: list[str] | None
) -> Iterator[tuple[int, dict]]:
    """Yield the row of each of the surest mistakes of one network, and what is told of it."""
    for kind, row in surest(test.labels, probabilities, threshold):
        given = contributions(model, test, row)
        review = test.choose(np.array([row]))
        places = leading(kind, given)
        found = {
            "kind": kind,
            "probability": round(float(probabilities[row]), 4),
            "tokens": len(given),
            "words": [
                {"place": int(i), "id": int(review.ids[i]), "given": round(float(given[i]), 2)}
                for i in places
            ],
        }
        if words is not None and len(places):
            tokens = [words[i] for i in review.ids]
            found["sentence"] = sentence_at(places[0], tokens, review.sentence_lengths)
        yield row, found


def surest(labels: np.ndarray, probabilities: np.ndarray, threshold: float) -> list[tuple[str, int]]:
    """Return kind and row of the wrong decisions that are furthest from the threshold, surest first."""
    called = probabilities >= threshold
    order = np.argsort(probabilities, kind="stable")
    false_alarms = order[(called & (labels == 0))[order]][::-1]
    missed = order[(~called & (labels > 0))[order]]
    both = zip(KINDS, (false_alarms, missed), strict=True)
    return [(kind, int(row)) for kind, rows in both for row in rows[:COUNT]]


@torch.inference_mode()
def contributions(model: SpoilerRNN, reviews: Reviews, row: int) -> np.ndarray:
    """Return what each token of a review adds to its logit, float32 (tokens); with the bias, they sum to it.

    Each unit's maximum over time stands at one token, which is credited with it times its weight.
    The state there has read the words around it too.
    """
    model.eval()
    batch = assemble(reviews, np.array([row])).to(next(model.parameters()).device)
    length = int(reviews.lengths[row])
    forward, *backward = (states[:length, 0] for states in model.states(batch))
    states = torch.cat([forward, *(states.flip(0) for states in backward)], dim=1)  # (tokens, width)
    maxima, places = states.max(dim=0)
    given = torch.zeros(len(states), device=states.device)
    given.index_add_(0, places, maxima * model.review_head.weight[0])
    return given.cpu().numpy()


def leading(kind: str, contributions: np.ndarray) -> np.ndarray:
    """Return the places of the tokens that moved the logit most towards the mistake."""
    towards = contributions if kind == KINDS[0] else -contributions
    order = np.argsort(-towards, kind="stable")[:WORDS]
    return order[towards[order] > 0]


def sentence_at(place: int, words: list[str], sentence_lengths: np.ndarray) -> list[str]:
    """Return the sentence around one of a review's words: what stands before it, the word, what follows."""
    ends = np.cumsum(sentence_lengths)
    which = int(np.searchsorted(ends, place, side="right"))
    start, end = ends[which] - sentence_lengths[which], ends[which]
    return [" ".join(words[start:place]), words[place], " ".join(words[place + 1 : end])]
