"""Batches of reviews of about the same length, assembled in NumPy without a loop over tokens."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from spoilers.models.segment_max import windows
from spoilers.text.reviews import Reviews
from spoilers.text.vocabulary import PADDING

POOL = 50  # batches that are sorted by length together
MULTIPLE = 8  # tokens; batches are padded to a multiple, as oneDNN prepares a kernel for each new batch shape


class Batch(NamedTuple):
    """Reviews side by side, time first, padded at the end, with their sentences concatenated.

    The index tensors, int64, tell the network's fast paths where to find their rows. They are made with the
    batch, so that no step on a GPU waits for a length. A row's number is `token * reviews + review`.
    """

    ids: Tensor  # int64 (tokens, reviews)
    reversal: Tensor  # (tokens * reviews): each review reversed by its own length
    forward_windows: Tensor  # (windows, WINDOW): the rows of each sentence's tokens, as `windows` cuts them
    backward_windows: Tensor  # the same for the reversed reviews
    sentence_levels: tuple[Tensor, ...]  # the further levels of `windows`
    review_levels: tuple[Tensor, ...]  # `windows` of the sentences of each review
    last: Tensor  # (reviews): the row of each direction's final state
    review_of_sentence: Tensor  # (sentences)
    labels: Tensor  # float32 (reviews)
    sentence_labels: Tensor  # float32 (sentences), NaN without a label
    labelled: int  # sentences that have a label

    def to(self, device: torch.device) -> "Batch":
        """Return the batch on `device`, copied asynchronously from pinned memory if that is CUDA."""
        return self if device.type == "cpu" else Batch(*(move(value, device) for value in self))


def move(value: Tensor | tuple | int, device: torch.device) -> Tensor | tuple | int:
    if isinstance(value, tuple):
        return tuple(move(one, device) for one in value)
    if isinstance(value, int):
        return value
    if device.type == "cuda":
        return value.pin_memory().to(device, non_blocking=True)
    return value.to(device)


def padded(length: int) -> int:
    """Return the number of tokens that a review of `length` takes in a batch."""
    return -(-length // MULTIPLE) * MULTIPLE


def assemble(reviews: Reviews, rows: np.ndarray, read_padding: bool = False) -> Batch:
    """Return the reviews at `rows` as one batch.

    If padding is read, it counts as part of each review: the backward direction begins with it, and the
    forward direction ends with it.
    """
    part = reviews.choose(rows)
    lengths, count = part.lengths, len(rows)
    time = np.arange(padded(int(lengths.max())))[:, None]
    real = time < lengths  # (tokens, reviews)
    ids = np.full((count, len(time)), PADDING, np.int64)
    ids[real.T] = part.ids
    read = np.full(count, len(time)) if read_padding else lengths  # tokens of each review that are read
    reversal = np.where(time < read, read - 1 - time, time) * count + np.arange(count)
    forward = (time * count + np.arange(count)).T[real.T]  # the rows of the real tokens, review by review
    backward = reversal.T[real.T]
    tokens, *sentence_levels = windows(part.sentence_lengths.astype(np.int64))
    return Batch(
        ids=torch.from_numpy(np.ascontiguousarray(ids.T)),
        reversal=torch.from_numpy(reversal.ravel()),
        forward_windows=torch.from_numpy(forward[tokens]),
        backward_windows=torch.from_numpy(backward[tokens]),
        sentence_levels=tuple(map(torch.from_numpy, sentence_levels)),
        review_levels=tuple(map(torch.from_numpy, windows(part.sentence_counts))),
        last=torch.from_numpy((read - 1) * count + np.arange(count)),
        review_of_sentence=torch.from_numpy(part.review_of_sentence),
        labels=torch.from_numpy(part.labels),
        sentence_labels=torch.from_numpy(part.sentence_labels),
        labelled=part.labelled_sentences,
    )


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
