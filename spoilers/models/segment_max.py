"""The maximum over each segment of rows, in place of a loop of `rows[start:end].max(0)`.

On a GPU, `torch.segment_reduce` takes it in few operators. On a CPU it is slow, as its gradient searches
for the maxima again; there, kernels work on whole windows of rows. bench/README.md has the timings.
"""

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

WINDOW = 8  # rows; a sentence has about fifteen tokens


def windows(lengths: np.ndarray) -> list[np.ndarray]:
    """Cut segments into windows of `WINDOW` positions: a list of int64 arrays (windows, WINDOW).

    Segment i has `lengths[i]` >= 1 positions and begins where segment i - 1 ends. A window that a segment
    does not fill repeats the segment's last position. The second array cuts the windows of each segment
    into windows again, and so on, until every segment is a single window: the last array has one row
    for each segment. For lengths [3, 9]:

        [[0, 1, 2, 2, 2, 2, 2, 2], [3, 4, 5, 6, 7, 8, 9, 10], [11, 11, 11, 11, 11, 11, 11, 11]]
        [[0, 0, 0, 0, 0, 0, 0, 0], [1, 2, 2, 2, 2, 2, 2, 2]]
    """
    longest, levels = int(lengths.max()), []
    while not levels or longest > 1:
        counts = -(-lengths // WINDOW)
        ends = np.cumsum(lengths)
        first = np.repeat(ends - lengths - WINDOW * (np.cumsum(counts) - counts), counts)
        starts = first + WINDOW * np.arange(len(first))
        positions = starts[:, None] + np.arange(WINDOW)
        levels.append(np.minimum(positions, np.repeat(ends - 1, counts)[:, None]))
        lengths, longest = counts, -(-longest // WINDOW)
    return levels


class Windows(NamedTuple):
    """Segments as `windows` cuts them; the first level may be mapped to any rows, each in one segment."""

    levels: tuple[Tensor, ...]


class Runs(NamedTuple):
    """Segments as runs of rows: segment i has the rows from `offsets[i]` up to `offsets[i + 1]`."""

    rows: Tensor | None  # int64: which rows they are, no row twice; None for all, in their order
    offsets: Tensor  # int64 (segments + 1)


def as_windows(levels: list[np.ndarray], rows: np.ndarray | None = None) -> Windows:
    """Return what `windows` has cut as segments of the given rows, or of all rows in their order."""
    first, *further = levels
    return Windows(tuple(map(torch.from_numpy, (first if rows is None else rows[first], *further))))


def as_runs(lengths: np.ndarray, rows: np.ndarray | None = None) -> Runs:
    """Return segments of these lengths, all >= 1, of the given rows, or of all rows in their order."""
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return Runs(None if rows is None else torch.from_numpy(rows), torch.from_numpy(offsets))


def segment_max(rows: Tensor, segments: Windows | Runs) -> Tensor:
    """Return the maximum of each segment: (rows, width) -> (segments, width)."""
    if isinstance(segments, Windows):
        return SegmentMax.apply(rows, *segments.levels)
    chosen = rows if segments.rows is None else TakeRows.apply(rows, segments.rows)
    return torch.segment_reduce(chosen, "max", offsets=segments.offsets, unsafe=True)


class TakeRows(torch.autograd.Function):
    """Takes rows, none of them twice, so that the gradient is a copy.

    The gradient of `index_select` is a sum, which on CUDA is atomic and in no fixed order.
    """

    @staticmethod
    def forward(ctx, values: Tensor, rows: Tensor) -> Tensor:
        ctx.save_for_backward(rows)
        ctx.count = len(values)
        return values.index_select(0, rows)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        zeros = gradient.new_zeros(ctx.count, gradient.shape[1])
        return zeros.index_copy_(0, ctx.saved_tensors[0], gradient), None


class SegmentMax(torch.autograd.Function):
    """Takes the maximum of each window, then of those maxima; the gradient goes to their source rows."""

    @staticmethod
    def forward(ctx, rows: Tensor, *levels: Tensor) -> Tensor:
        maxima, source = rows, None
        for window in levels:
            values = maxima.index_select(0, window.flatten()).view(*window.shape, -1)
            maxima, which = window_max(values)
            found = window.gather(1, which)
            source = found if source is None else source.gather(0, found)
        ctx.save_for_backward(source)
        ctx.rows = len(rows)
        return maxima

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        (source,) = ctx.saved_tensors  # (segments, width): the row of each maximum
        zeros = gradient.new_zeros(ctx.rows, gradient.shape[1])
        return zeros.scatter_(0, source, gradient), *(None,) * (len(ctx.needs_input_grad) - 1)


def window_max(values: Tensor) -> tuple[Tensor, Tensor]:
    """Return each window's maximum and its position: (windows, WINDOW, width) -> twice (windows, width)."""
    if values.device.type != "cpu":
        return values.max(1)
    # On a CPU, pooling with the channels last is several times as fast as `max`.
    pooled, which = F.max_pool2d(values[:, :, None].permute(0, 3, 1, 2), (WINDOW, 1), return_indices=True)
    return pooled.flatten(1), which.flatten(1)
