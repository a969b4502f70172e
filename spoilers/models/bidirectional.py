"""An LSTM or GRU in both directions over padded batches.

It replaces `nn.LSTM(bidirectional=True)` on packed sequences. Each review is reversed by its own length,
so that padding follows the last token in both directions and never reaches a real token's state. oneDNN
and cuDNN have faster kernels for padded than for packed batches (bench/README.md).
"""

from itertools import zip_longest

import torch
from torch import Tensor, nn

from spoilers.models.dropout import LockedDropout


class BidirectionalRNN(nn.Module):
    """Stacked recurrent layers; each direction of a layer is an `nn.LSTM` or `nn.GRU` of its own."""

    def __init__(
        self,
        layer: type[nn.RNNBase],
        input_size: int,
        hidden_size: int,
        layers: int,
        bidirectional: bool,
        dropout: float,
    ):
        super().__init__()
        self.width = hidden_size * (2 if bidirectional else 1)
        sizes = [input_size] + [self.width] * (layers - 1)
        self.forwards = nn.ModuleList(layer(size, hidden_size) for size in sizes)
        self.backwards = nn.ModuleList(layer(size, hidden_size) for size in sizes * bidirectional)
        self.dropout = LockedDropout(dropout)

    def reset_parameters(self) -> None:
        """Set orthogonal recurrent weights, Xavier input weights, zero biases, and a forget-gate bias of 1.

        PyTorch adds two biases, so the forget gate's is 1 in one and 0 in the other (Jozefowicz et al., 2015,
        explain the 1).
        """
        for rnn in (*self.forwards, *self.backwards):
            gates = 4 if isinstance(rnn, nn.LSTM) else 3
            for gate in rnn.weight_hh_l0.chunk(gates):
                nn.init.orthogonal_(gate)
            for gate in rnn.weight_ih_l0.chunk(gates):
                nn.init.xavier_uniform_(gate)
            nn.init.zeros_(rnn.bias_ih_l0)
            nn.init.zeros_(rnn.bias_hh_l0)
            if isinstance(rnn, nn.LSTM):
                nn.init.ones_(rnn.bias_ih_l0.chunk(4)[1])  # PyTorch's order: input, forget, cell, output

    def forward(self, inputs: Tensor, reversal: Tensor) -> list[Tensor]:
        """Return the last layer's states of each direction, (tokens, reviews, hidden).

        Take inputs (tokens, reviews, size) and the index for `reverse`. The backward direction's states are
        in reading order: each review's last token first.
        """
        for i, (forward, backward) in enumerate(zip_longest(self.forwards, self.backwards)):
            if i:
                inputs = self.dropout(inputs)
            states = [forward(inputs)[0]]
            if backward:
                states.append(backward(Reverse.apply(inputs, reversal))[0])
            if i + 1 < len(self.forwards):
                inputs = states[0]
                if backward:
                    inputs = torch.cat([inputs, Reverse.apply(states[1], reversal)], dim=-1)
        return states


def reverse(states: Tensor, reversal: Tensor) -> Tensor:
    """Reverse each review by its own length: (tokens, reviews, width) -> the same.

    `reversal` (tokens * reviews) maps each row of the result to its source row. For one review of three
    tokens padded to five it is [2, 1, 0, 3, 4]: padding stays in its place.
    """
    return states.flatten(0, 1).index_select(0, reversal).view_as(states)


class Reverse(torch.autograd.Function):
    """`reverse` with its gradient: a reversal is its own inverse.

    The gradient of `index_select` is as fast on a CPU, but on CUDA it is an atomic sum in no fixed order.
    """

    @staticmethod
    def forward(ctx, states: Tensor, reversal: Tensor) -> Tensor:
        ctx.save_for_backward(reversal)
        return reverse(states, reversal)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        return reverse(gradient, *ctx.saved_tensors), None
