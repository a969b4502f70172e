"""Dropout for recurrent networks."""

import torch
from torch import Tensor, nn


class LockedDropout(nn.Module):
    """Drops the same features of a review at all its tokens (Gal and Ghahramani, 2016).

    Each review has one mask, scaled so that its mean is 1. `nn.Dropout` would draw one for each token, which
    costs a tenth of a training step.
    """

    def __init__(self, share: float):
        super().__init__()
        self.share = share

    def mask(self, states: Tensor) -> Tensor | None:
        """Draw a mask (reviews, width) for states (..., reviews, width); None where nothing is dropped."""
        if not self.training or not self.share:
            return None
        kept = torch.rand(states.shape[-2:], device=states.device) >= self.share
        return (kept / (1 - self.share)).to(states.dtype)

    def forward(self, states: Tensor) -> Tensor:
        mask = self.mask(states)
        return states if mask is None else states * mask


class WordDropout(nn.Module):
    """Replaces a share of the words with another id, in training."""

    def __init__(self, share: float, replacement: int):
        super().__init__()
        self.share, self.replacement = share, replacement

    def forward(self, ids: Tensor) -> Tensor:
        if not self.training or not self.share:
            return ids
        dropped = torch.rand(ids.shape, device=ids.device) < self.share  # padding too
        return ids.masked_fill(dropped, self.replacement)
