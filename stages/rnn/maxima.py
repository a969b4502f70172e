"""The maximum over the tokens of each sentence, by kernels that work on whole rows at a time."""

import torch
import torch.nn.functional as F
from torch import Tensor

WINDOW = 8  # tokens; a sentence has fifteen or so


def windows(lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Places that stand in segments one after the other, cut into windows: int64 (windows, WINDOW).

    The first segment is of the first `lengths[0]` places, and so on; no length is 0. Where a window is not
    full, its segment's last place stands again. Also the first window of each segment: int64 (segments).
    """
    counts = (lengths + WINDOW - 1) // WINDOW
    firsts = counts.cumsum(0) - counts
    ends = lengths.cumsum(0)
    starts = (ends - lengths - WINDOW * firsts).repeat_interleave(counts)  # of each window, less those before
    starts += WINDOW * torch.arange(len(starts), device=lengths.device)
    chosen = starts[:, None] + torch.arange(WINDOW, device=lengths.device)
    return torch.minimum(chosen, (ends - 1).repeat_interleave(counts)[:, None]), firsts


def segment_maxima(rows: Tensor, chosen: Tensor, firsts: Tensor) -> Tensor:
    """The maxima of segments of some rows: (rows, width) -> (segments, width).

    `chosen` and `firsts` are as `windows` gives them. No row stands in two segments.
    """
    return SegmentMaxima.apply(rows, chosen, firsts)


class SegmentMaxima(torch.autograd.Function):
    """Pools each window, then the windows of each segment; the gradient goes back to where the maxima stand.

    `torch.segment_reduce` does the same number by number, and searches the maxima again for the gradient.
    """

    @staticmethod
    def forward(ctx, rows: Tensor, chosen: Tensor, firsts: Tensor) -> Tensor:
        tokens = rows.index_select(0, chosen.flatten()).view(*chosen.shape, 1, -1)
        # Channels last: (windows, width, WINDOW, 1) -> (windows, width, 1, 1)
        maxima, token = F.max_pool2d(tokens.permute(0, 3, 1, 2), (WINDOW, 1), return_indices=True)
        maxima, token = maxima.flatten(1), token.flatten(1)
        each = torch.arange(len(chosen), device=rows.device)
        maxima, _, _, window = torch.embedding_bag(maxima, each, firsts, mode=2)  # 2 is the maximum
        ctx.save_for_backward(chosen, window, token)
        ctx.count = len(rows)
        return maxima

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None, None]:
        chosen, window, token = ctx.saved_tensors
        found = chosen.take(WINDOW * window + token.gather(0, window))  # (segments, width)
        zeros = gradient.new_zeros(ctx.count, gradient.shape[1])
        return zeros.scatter_(0, found, gradient), None, None
