"""Word vectors that plain SGD learns, too."""

import math

import torch
from torch import Tensor, nn


class ScaledEmbedding(nn.Embedding):
    """Gives the rows of its weight times the square root of their size (Vaswani et al., 2017).

    The factor makes the gradients of the rows larger, which are small because few batches have a given
    word. Adam makes up for that by itself. SGD does not: without the factor it learns several times
    as slowly.
    """

    DEVIATION = 0.03  # of the initial weights

    @property
    def scale(self) -> float:
        return math.sqrt(self.embedding_dim)

    @torch.no_grad()
    def reset_parameters(self) -> None:
        self.weight.normal_(std=self.DEVIATION)
        self.weight[self.padding_idx].zero_()

    def forward(self, ids: Tensor) -> Tensor:
        return self.scale * super().forward(ids)
