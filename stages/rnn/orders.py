"""Tokens in the order of time and in reverse, and where they stand in a batch of states."""

import torch
from torch import Tensor


class Places:
    """Where tokens stand among the (tokens * reviews) rows of states, time first."""

    def __init__(self, tokens: int, reviews: int, lengths: Tensor):
        self.reviews, self.lengths = reviews, lengths
        self.time = torch.arange(tokens, device=lengths.device)
        self.review = torch.arange(reviews, device=lengths.device)
        self.real = self.time < lengths[:, None]  # (reviews, tokens)

    @property
    def reversal(self) -> Tensor:
        """Each review in reverse, by its own length; padding stays. Applied twice, nothing has changed."""
        time = self.time[:, None]  # (tokens, 1)
        source = torch.where(time < self.lengths, self.lengths - 1 - time, time)  # (tokens, reviews)
        return (source * self.reviews + self.review).flatten()

    @property
    def of_tokens(self) -> Tensor:
        """The real tokens, review by review: (real tokens)."""
        return (self.time * self.reviews + self.review[:, None])[self.real]

    @property
    def of_reversed(self) -> Tensor:
        """The same tokens where each review has been reversed."""
        time = self.lengths[:, None] - 1 - self.time  # (reviews, tokens)
        return (time * self.reviews + self.review[:, None])[self.real]


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
    """States (tokens, reviews, width) times a mask (reviews, width), as they are and in reverse."""

    @staticmethod
    def forward(ctx, states: Tensor, mask: Tensor | None, reversal: Tensor) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(mask, reversal)
        states = states.view_as(states) if mask is None else states * mask
        return states, reverse(states, reversal)

    @staticmethod
    def backward(ctx, gradient: Tensor, of_reversed: Tensor) -> tuple[Tensor, None, None]:
        mask, reversal = ctx.saved_tensors
        total = reverse(of_reversed, reversal).add_(gradient)
        return total if mask is None else total.mul_(mask), None, None
