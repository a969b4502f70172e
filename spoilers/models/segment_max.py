"""The maximum over the tokens of each sentence, by kernels that work on whole rows at a time."""

import torch
import torch.nn.functional as F
from torch import Tensor

WINDOW = 8  # places; a sentence has fifteen tokens or so


def windows(lengths: Tensor) -> list[Tensor]:
    """Places that stand in segments one after the other, cut into windows: int64 (windows, WINDOW).

    The first segment is of the first `lengths[0]` places, and so on; no length is 0. Where a window is not
    full, its segment's last place stands again. The next entry cuts the windows of each segment into
    windows, and so on, until each segment is a single one: the last entry is (segments, WINDOW).
    """
    longest, levels = int(lengths.max()), []
    while not levels or longest > 1:
        counts = (lengths + WINDOW - 1) // WINDOW
        ends = lengths.cumsum(0)
        # Where each window starts, less the places of the windows before it.
        starts = (ends - lengths - WINDOW * (counts.cumsum(0) - counts)).repeat_interleave(counts)
        starts += WINDOW * torch.arange(len(starts), device=lengths.device)
        chosen = starts[:, None] + torch.arange(WINDOW, device=lengths.device)
        levels.append(torch.minimum(chosen, (ends - 1).repeat_interleave(counts)[:, None]))
        lengths, longest = counts, -(-longest // WINDOW)
    return levels


def segment_maxima(rows: Tensor, levels: list[Tensor]) -> Tensor:
    """The maxima of segments of some rows: (rows, width) -> (segments, width).

    `levels` are as `windows` gives them, the first one of places among `rows`. No row stands in two segments.
    """
    return SegmentMaxima.apply(rows, levels)


class SegmentMaxima(torch.autograd.Function):
    """Pools each window, and again their maxima; the gradient goes back to where the maxima stand.

    `torch.segment_reduce` does the same number by number, and searches the maxima again for the gradient.
    """

    @staticmethod
    def forward(ctx, rows: Tensor, levels: list[Tensor]) -> Tensor:
        maxima, rows_of_maxima = rows, None
        for chosen in levels:
            window = maxima.index_select(0, chosen.flatten()).view(*chosen.shape, 1, -1)
            # Channels last: (windows, width, WINDOW, 1) -> (windows, width, 1, 1)
            maxima, which = F.max_pool2d(window.permute(0, 3, 1, 2), (WINDOW, 1), return_indices=True)
            maxima, found = maxima.flatten(1), chosen.gather(1, which.flatten(1))
            rows_of_maxima = found if rows_of_maxima is None else rows_of_maxima.gather(0, found)
        ctx.save_for_backward(rows_of_maxima)
        ctx.count = len(rows)
        return maxima

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        (rows_of_maxima,) = ctx.saved_tensors  # (segments, width)
        zeros = gradient.new_zeros(ctx.count, gradient.shape[1])
        return zeros.scatter_(0, rows_of_maxima, gradient), None
