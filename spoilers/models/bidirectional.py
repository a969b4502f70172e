"""Tokens in the order of time and in reverse, and where they stand in a batch of states."""

import torch
from torch import Tensor


class Places:
    """Where tokens stand among the (tokens * reviews) rows of states, time first."""

    def __init__(self, tokens: int, reviews: int, lengths: Tensor):
        self.tokens, self.reviews, self.lengths = tokens, reviews, lengths
        self.review = torch.arange(reviews, device=lengths.device).repeat_interleave(lengths)  # (real tokens)
        starts = (lengths.cumsum(0) - lengths).repeat_interleave(lengths)
        self.time = torch.arange(len(starts), device=lengths.device) - starts  # (real tokens)

    @property
    def reversal(self) -> Tensor:
        """Each review in reverse, by its own length; padding stays. Applied twice, nothing has changed."""
        time = torch.arange(self.tokens, device=self.lengths.device)[:, None]
        source = torch.where(time < self.lengths, self.lengths - 1 - time, time)  # (tokens, reviews)
        return (source * self.reviews + torch.arange(self.reviews, device=time.device)).flatten()

    @property
    def of_tokens(self) -> Tensor:
        """The real tokens, review by review: (real tokens)."""
        return self.time * self.reviews + self.review

    @property
    def of_reversed(self) -> Tensor:
        """The same tokens where each review has been reversed."""
        return (self.lengths[self.review] - 1 - self.time) * self.reviews + self.review


def reverse(states: Tensor, reversal: Tensor) -> Tensor:
    """States (tokens, reviews, width) in the order of `Places.reversal`."""
    return states.flatten(0, 1).index_select(0, reversal).view_as(states)


class Reverse(torch.autograd.Function):
    """A reversal undoes itself, so that its gradient is one too, where it is a slow sum in general."""

    @staticmethod
    def forward(ctx, states: Tensor, reversal: Tensor) -> Tensor:
        ctx.save_for_backward(reversal)
        return reverse(states, reversal)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        return reverse(gradient, *ctx.saved_tensors), None


class BothOrders(torch.autograd.Function):
    """States (tokens, reviews, width) times a mask (reviews, width), as they are and in reverse.

    The product takes the place of the states: to write it elsewhere takes twice as long.
    """

    @staticmethod
    def forward(ctx, states: Tensor, mask: Tensor | None, reversal: Tensor) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(mask, reversal)
        ctx.mark_dirty(states)
        if mask is not None:
            states.mul_(mask)
        return states, reverse(states, reversal)

    @staticmethod
    def backward(ctx, gradient: Tensor, of_reversed: Tensor) -> tuple[Tensor, None, None]:
        mask, reversal = ctx.saved_tensors
        total = reverse(of_reversed, reversal).add_(gradient)
        return total if mask is None else total.mul_(mask), None, None
