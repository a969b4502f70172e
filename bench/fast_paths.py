"""Measure what each fast path of the network gains over the plain PyTorch it replaces.

`python -m bench.fast_paths` puts a table into bench/README.md: the time of whole training steps with one
path replaced, divided by the time with all paths. The two alternate, and the table has the median ratio.
`REVIEWS=640` is a quick look.
"""

import os
import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from bench import page
from bench.train import SEED, SHAPES, clock, make_reviews, prepare_training, threads
from spoilers.core.allocator import keep_freed_memory
from spoilers.models import bidirectional, network, segment_max
from spoilers.models.batches import epoch_order
from spoilers.models.dropout import LockedDropout
from spoilers.training.loop import Share, Training

ROUNDS = 5
MARKS = "<!-- fast paths: begin -->", "<!-- fast paths: end -->"
Batches = list[tuple[Share, dict]]  # each with the lengths that the plain versions need


def batches_of(training: Training, batch: int) -> Batches:
    reviews, found = training.train, []
    order = epoch_order(reviews.lengths, batch, SEED, 0)
    for rows, share in zip(order, training.shares(0, 0), strict=False):
        part = reviews.choose(rows)
        segments = {
            len(rows): torch.from_numpy(part.sentence_counts),
            len(part.sentence_lengths): torch.from_numpy(part.sentence_lengths.astype(np.int64)),
        }
        found.append((share, {"lengths": torch.from_numpy(part.lengths), "segments": segments}))
    return found


@contextmanager
def packed_sequences(current: dict) -> Iterator[None]:
    """Use `nn.LSTM(bidirectional=True)` on packed sequences in place of `BidirectionalRNN`."""
    layers: dict[int, nn.RNNBase] = {}

    def one_layer(rnn: bidirectional.BidirectionalRNN) -> nn.RNNBase:
        """Return a bidirectional layer with the weights of `rnn`."""
        one, other = rnn.forwards[0], rnn.backwards[0]
        both = type(one)(one.input_size, one.hidden_size, bidirectional=True)
        for name, _ in one.named_parameters():
            setattr(both, name, getattr(one, name))
            setattr(both, f"{name}_reverse", getattr(other, name))
        return both

    def forward(rnn: bidirectional.BidirectionalRNN, inputs: Tensor, *_: Tensor | None) -> list[Tensor]:
        hidden = rnn.forwards[0].hidden_size
        both = layers.setdefault(id(rnn), one_layer(rnn))
        packed = pack_padded_sequence(inputs, current["lengths"], enforce_sorted=False)
        states = pad_packed_sequence(both(packed)[0], total_length=len(inputs))[0]
        return [states[..., :hidden], states[..., hidden:]]

    with patch.object(bidirectional.BidirectionalRNN, "forward", forward):
        yield


@contextmanager
def segment_reduce(current: dict) -> Iterator[None]:
    """Use `torch.segment_reduce` on the real tokens in place of `SegmentMax`."""
    cache: dict[int, Tensor] = {}  # the rows, found once, outside the measured time

    def reduce(rows: Tensor, segments: segment_max.Windows) -> Tensor:
        first, last = segments.levels[0], segments.levels[-1]
        key = first.data_ptr()
        if key not in cache:
            cache[key] = torch.unique_consecutive(first.flatten())  # a last position is repeated
        lengths = current["segments"][len(last)]
        return torch.segment_reduce(rows.index_select(0, cache[key]), "max", lengths=lengths, unsafe=True)

    with patch.object(network, "segment_max", reduce):
        yield


@contextmanager
def plain_max(current: dict) -> Iterator[None]:
    """Take `max` over each window in place of pooling."""
    with patch.object(segment_max, "window_max", lambda values: values.max(1)):
        yield


@contextmanager
def mask_per_token(current: dict) -> Iterator[None]:
    """Draw a dropout mask for each token (`nn.Dropout`) in place of one for each review."""

    def forward(dropout: LockedDropout, states: Tensor) -> Tensor:
        return nn.functional.dropout(states, dropout.share, dropout.training)

    with patch.object(LockedDropout, "forward", forward):
        yield


PLAIN = {
    "`BidirectionalRNN`": ("Use `nn.LSTM(bidirectional=True)` on packed sequences", packed_sequences),
    "`SegmentMax`": ("Use `torch.segment_reduce` on the real tokens", segment_reduce),
    "`window_max` on a CPU": ("`max` over each window", plain_max),
    "`LockedDropout`": ("`nn.Dropout`, a mask for each token", mask_per_token),
}


def ratio(training: Training, batches: Batches, replaced: Callable) -> float:
    """Return an epoch's time with one path replaced, divided by that with none."""
    current: dict = {}

    def epoch() -> None:
        for share, known in batches:
            current.update(known)
            training.step(share)
        training.read()

    def plain() -> float:
        with replaced(current):
            return clock(epoch)

    epoch()
    plain()
    return statistics.median(plain() / clock(epoch) for _ in range(ROUNDS))


def tabulate(count: int) -> str:
    keep_freed_memory()
    size, batch = SHAPES[0]
    lines = [
        f"A training step of the LSTM of size {size} in batches of {batch}, {threads()},"
        f" PyTorch {torch.__version__}: time with the plain version, over that with the fast path.",
        "",
        "| fast path | plain version | times as long |",
        "|---|---|--:|",
    ]
    training = prepare_training("lstm", size, batch, "float32", make_reviews(count))
    batches = batches_of(training, batch)
    for name, (plain, replaced) in PLAIN.items():
        lines.append(f"| {name} | {plain} | {ratio(training, batches, replaced):.2f} |")
        print(lines[-1], flush=True)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    page.put("## Fast paths", *MARKS, tabulate(int(os.environ.get("REVIEWS", 1280))))
