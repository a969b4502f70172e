"""Batches of reviews of about the same length, assembled without a loop over tokens."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from spoilers.text.reviews import Reviews
from spoilers.text.vocabulary import PADDING

POOL = 50  # batches that are sorted by length together
MULTIPLE = 8  # tokens that batches are padded to: oneDNN prepares a kernel for each new shape of a batch


@dataclass(frozen=True)
class Batch:
    """Reviews side by side, time first, padded at the end; their sentences one after the other."""

    ids: Tensor  # int32 (tokens, reviews)
    lengths: Tensor  # int64 (reviews): tokens in each
    sentence_lengths: Tensor  # int64 (sentences): tokens in each
    sentence_counts: Tensor  # int64 (reviews)
    labels: Tensor  # float32 (reviews)
    sentence_labels: Tensor  # float32 (sentences), NaN without a label

    @property
    def labelled(self) -> int:
        """Sentences that have a label."""
        return int((~torch.isnan(self.sentence_labels)).sum())

    def to(self, device: torch.device) -> "Batch":
        """A copy on `device`, asynchronously from pinned memory where that is CUDA."""
        if device.type == "cpu":
            return self
        pin = device.type == "cuda"
        tensors = (value.pin_memory() if pin else value for value in vars(self).values())
        return Batch(*(value.to(device, non_blocking=pin) for value in tensors))


def padded(length: int) -> int:
    """The number of tokens that a review of `length` takes in a batch."""
    return -(-length // MULTIPLE) * MULTIPLE


def assemble(reviews: Reviews, rows: np.ndarray) -> Batch:
    """The reviews at `rows` as one batch."""
    part = reviews.choose(rows)
    lengths = part.lengths
    longest = padded(int(lengths.max()))
    ids = np.full((len(rows), longest), PADDING, np.int32)
    ids[np.arange(longest) < lengths[:, None]] = part.ids
    return Batch(
        torch.from_numpy(np.ascontiguousarray(ids.T)),
        torch.from_numpy(lengths),
        torch.from_numpy(part.sentence_lengths.astype(np.int64)),
        torch.from_numpy(part.sentence_counts),
        torch.from_numpy(part.labels),
        torch.from_numpy(part.sentence_labels),
    )


def epoch_order(lengths: np.ndarray, batch_size: int, seed: int, epoch: int) -> list[np.ndarray]:
    """The rows of each batch of one epoch: a function of the seed and the epoch alone.

    Reviews are shuffled, sorted by length within pools of `POOL` batches, cut into batches, and
    the batches shuffled: little padding, and yet other neighbours in every epoch.
    """
    draw = np.random.default_rng([seed, epoch])
    order = draw.permutation(len(lengths))
    pools = np.arange(len(order)) // (batch_size * POOL)
    order = order[np.lexsort((lengths[order], pools))]
    batches = np.split(order, range(batch_size, len(order), batch_size))
    return [batches[i] for i in draw.permutation(len(batches))]


def in_order_of_length(lengths: np.ndarray, max_tokens: int) -> Iterator[np.ndarray]:
    """The rows of batches for inference: longest first, of at most `max_tokens` padded tokens."""
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        size = max(1, max_tokens // padded(int(lengths[order[start]])))
        yield order[start : start + size]
        start += size


def padding_share(lengths: np.ndarray, batches: list[np.ndarray]) -> float:
    """Share of the padded batches that is padding."""
    total = sum(padded(int(lengths[rows].max())) * len(rows) for rows in batches)
    return 1 - int(lengths.sum()) / total
