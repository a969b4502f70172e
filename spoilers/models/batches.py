"""Batches of reviews of about the same length, assembled in NumPy without a loop over tokens."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from spoilers.models.segment_max import Runs, Windows, as_runs, as_windows, windows
from spoilers.text.reviews import Reviews
from spoilers.text.vocabulary import PADDING

POOL = 50  # batches that are sorted by length together
MULTIPLE = 8  # tokens; batches are padded to a multiple, as oneDNN prepares a kernel for each new batch shape


class Batch(NamedTuple):
    """Reviews side by side, time first, padded at the end, with their sentences concatenated.

    The index tensors, int64, tell the network's fast paths where to find their rows. They are made with the
    batch, so that no step on a GPU waits for a length. A row's number is `token * reviews + review`. If the
    network is to run both directions in one call, the batch has `padding` in place of `reversal`, and one
    entry in `sentences`.
    """

    ids: Tensor  # int64 (tokens, reviews)
    review_of_sentence: Tensor  # (sentences)
    sentences: tuple[Windows | Runs, ...]  # the rows of each sentence's tokens, for each tensor of states
    reviews: Windows | Runs  # the sentences of each review
    last: tuple[Tensor, Tensor]  # (reviews) each: the row of each direction's final state
    reversal: Tensor | None = None  # (tokens * reviews): each review reversed by its own length
    padding: Tensor | None = None  # float32 (tokens, reviews, 1): 1 at padding that is not to be read


def padded(length: int) -> int:
    """Return the number of tokens that a review of `length` takes in a batch."""
    return -(-length // MULTIPLE) * MULTIPLE


def assemble(reviews: Reviews, read_padding: bool = False, in_one_call: bool = False) -> Batch:
    """Return the reviews as one batch, on the CPU.

    If padding is read, it counts as part of each review: the backward direction begins with it, and the
    forward direction ends with it. With `in_one_call`, the network runs both directions in one call.
    """
    lengths, count, column = reviews.lengths, len(reviews), np.arange(len(reviews))
    longest = padded(int(lengths.max()))
    read = np.full(count, longest) if read_padding else lengths  # tokens of each review that are read
    last = (read - 1) * count + column
    # Token i of review r is in row i * count + r, so that the rows of a review's tokens are `count` apart.
    starts = column - (reviews.token_ends - lengths) * count
    forward = np.arange(0, len(reviews.ids) * count, count) + np.repeat(starts, lengths)
    ids = np.full(longest * count, PADDING, np.int64)
    ids[forward] = reviews.ids
    if in_one_call:
        padding = np.full(longest * count, 0 if read_padding else 1, np.float32)
        padding[forward] = 0
        indices = {
            "padding": torch.from_numpy(padding).view(longest, count, 1),
            "sentences": (as_runs(reviews.sentence_lengths, forward),),
            "reviews": as_runs(reviews.sentence_counts),
            "last": (torch.from_numpy(last), torch.from_numpy(column)),
        }
    else:
        backward = np.repeat(last + column, lengths) - forward  # the same review's, mirrored in time
        reversal = reversed_time(longest, count) if read_padding else np.arange(longest * count)
        reversal[forward] = backward
        levels = windows(reviews.sentence_lengths.astype(np.int64))
        indices = {
            "reversal": torch.from_numpy(reversal),
            "sentences": (as_windows(levels, forward), as_windows(levels, backward)),
            "reviews": as_windows(windows(reviews.sentence_counts)),
            "last": (torch.from_numpy(last),) * 2,
        }
    return Batch(
        ids=torch.from_numpy(ids).view(longest, count),
        review_of_sentence=torch.from_numpy(reviews.review_of_sentence),
        **indices,
    )


def reversed_time(tokens: int, reviews: int) -> np.ndarray:
    """Return the row that each row of a batch comes from when all of its tokens are reversed."""
    return np.arange(tokens * reviews).reshape(tokens, reviews)[::-1].flatten()


def epoch_order(lengths: np.ndarray, batch_size: int, seed: int, epoch: int) -> list[np.ndarray]:
    """Return the rows of each batch of one epoch, which depend on the seed and the epoch alone.

    Reviews are shuffled, sorted by length within pools of `POOL` batches, cut into batches, and
    the batches are shuffled: padding is low, yet neighbours change in every epoch.
    """
    draw = np.random.default_rng([seed, epoch])
    order = draw.permutation(len(lengths))
    pools = np.arange(len(order)) // (batch_size * POOL)
    order = order[np.lexsort((lengths[order], pools))]
    batches = np.split(order, range(batch_size, len(order), batch_size))
    return [batches[i] for i in draw.permutation(len(batches))]


def in_order_of_length(lengths: np.ndarray, max_tokens: int) -> Iterator[np.ndarray]:
    """Yield the rows of batches for inference: longest first, of at most `max_tokens` padded tokens."""
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        size = max(1, max_tokens // padded(int(lengths[order[start]])))
        yield order[start : start + size]
        start += size


def padding_share(lengths: np.ndarray, batches: list[np.ndarray]) -> float:
    """Return the share of the padded batches that is padding."""
    total = sum(padded(int(lengths[rows].max())) * len(rows) for rows in batches)
    return 1 - int(lengths.sum()) / total
