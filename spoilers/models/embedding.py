"""Word vectors that plain SGD learns, too."""

import math

import torch
from torch import Tensor, nn

from spoilers.models.dropout import LockedDropout
from spoilers.text.vocabulary import PADDING


class ScaledEmbedding(nn.Embedding):
    """Gives the rows of its weight times the square root of their size (Vaswani et al., 2017), with dropout.

    The factor makes the gradients of the rows larger, which are small because few batches have a given
    word. Adam makes up for that by itself. SGD does not: without the factor it learns several times
    as slowly.
    """

    DEVIATION = 0.03  # of the initial weights

    def __init__(self, words: int, size: int, dropout: float):
        super().__init__(words, size, PADDING)
        self.dropout = LockedDropout(dropout)
        self.scale = math.sqrt(size)

    @torch.no_grad()
    def reset_parameters(self) -> None:
        self.weight.normal_(std=self.DEVIATION)
        self.weight[PADDING].zero_()

    def forward(self, ids: Tensor) -> Tensor:
        """Return the vectors (tokens, reviews, size) of the ids (tokens, reviews)."""
        rows = super().forward(ids)
        mask = self.dropout.mask(rows)
        return rows * (self.scale if mask is None else self.scale * mask)
