"""An LSTM or GRU in both directions over padded batches.

It replaces `nn.LSTM(bidirectional=True)` on packed sequences: oneDNN and cuDNN have faster kernels for padded
than for packed batches (bench/README.md). Padding never reaches a real token's state, in one of two ways:

- on a CPU, each review is reversed by its own length, so that padding follows its last token in both
  directions;
- on a GPU, one call of cuDNN runs both directions at once, and the state stays zero while the backward
  direction reads the padding: a further input, which is 1 there, shuts the LSTM's input gate and sets the
  GRU's update gate to 1, which keeps the state. Two calls would take longer: small networks leave a GPU idle.
"""

from functools import cache
from itertools import zip_longest

import torch
from torch import Tensor, nn
from torch._utils import _flatten_dense_tensors, _unflatten_dense_tensors

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
        self.hidden_size, self.width = hidden_size, hidden_size * (2 if bidirectional else 1)
        sizes = [input_size] + [self.width] * (layers - 1)
        self.forwards = nn.ModuleList(layer(size, hidden_size) for size in sizes)
        self.backwards = nn.ModuleList(layer(size, hidden_size) for size in sizes * bidirectional)
        self.dropout = LockedDropout(dropout)
        self.reset_parameters()

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

    def forward(self, inputs: Tensor, reversal: Tensor | None, padding: Tensor | None) -> list[Tensor]:
        """Return the last layer's states, for inputs (tokens, reviews, size).

        With `reversal`, the index for `reverse`, return those of each direction, (tokens, reviews, hidden);
        the backward ones have each review's last token first. With `padding` (tokens, reviews, 1), which is
        1 at padding, run both directions in one call and return one tensor, (tokens, reviews, width), in
        reading order.
        """
        for i, (forward, backward) in enumerate(zip_longest(self.forwards, self.backwards)):
            if i:
                inputs = self.dropout(inputs)
            if not backward:
                states = [forward(inputs)[0]]
            elif reversal is None:
                states = [run_both(forward, backward, inputs, padding)]
            else:
                states = [forward(inputs)[0], backward(reverse(inputs, reversal))[0]]
            if i + 1 < len(self.forwards):
                inputs = states[0]
                if len(states) > 1:
                    inputs = torch.cat([inputs, reverse(states[1], reversal)], dim=-1)
        return states


def reverse(states: Tensor, reversal: Tensor) -> Tensor:
    """Reverse each review by its own length: (tokens, reviews, width) -> the same.

    `reversal` (tokens * reviews) maps each row of the result to its source row. For one review of three
    tokens padded to five it is [2, 1, 0, 3, 4]: padding stays in its place.
    """
    return states.flatten(0, 1).index_select(0, reversal).view_as(states)


COLUMNS = 4  # further inputs that are 1 at padding; one would do, but rows are read faster in 16 bytes
HELD = 256.0  # added to a gate at padding: sigmoid(256) is 1 and sigmoid(-256) is 0, exactly


def run_both(forward: nn.RNNBase, backward: nn.RNNBase, inputs: Tensor, padding: Tensor) -> Tensor:
    """Run two layers of one direction each as one of both directions.

    Take inputs (tokens, reviews, size) and padding (tokens, reviews, 1); return the states (tokens, reviews,
    2 * hidden).
    """
    hold = hold_columns(type(forward), forward.hidden_size, inputs.device)
    weights = CudnnWeights.apply(hold, *forward.all_weights[0], *backward.all_weights[0])
    zeros = inputs.new_zeros(2, inputs.shape[1], forward.hidden_size)
    run, state = (torch.lstm, (zeros, zeros)) if isinstance(forward, nn.LSTM) else (torch.gru, zeros)
    inputs = torch.cat([inputs, padding.expand(*padding.shape[:2], COLUMNS)], dim=-1)
    # What follows the weights: has biases, layers, dropout, training, bidirectional, batch first.
    return run(inputs, state, weights, True, 1, 0.0, forward.training, True, False)[0]


@cache
@torch.inference_mode(False)
def hold_columns(layer: type[nn.RNNBase], hidden_size: int, device: torch.device) -> Tensor:
    """Return input weights (gates * hidden, COLUMNS) that keep a zero state at zero."""
    # In PyTorch's order: input, forget, cell and output gate; reset, update and new gate.
    gates = {nn.LSTM: (-HELD, HELD, 0.0, 0.0), nn.GRU: (0.0, HELD, 0.0)}[layer]
    of_gates = torch.tensor(gates, device=device)[:, None] / COLUMNS
    return of_gates.expand(-1, hidden_size * COLUMNS).reshape(-1, COLUMNS)


class CudnnWeights(torch.autograd.Function):
    """Copies the weights of two layers into one tensor in cuDNN's order; PyTorch would copy each otherwise.

    A function of its own, since autograd takes as long for each of a dozen small operations as for this.
    """

    MATRICES_FIRST = (0, 1, 4, 5, 2, 3, 6, 7)  # of four weights each; the order is its own inverse

    @staticmethod
    def forward(ctx, hold: Tensor, *weights: Tensor) -> tuple[Tensor, ...]:
        """Return copies of the weights, four of each layer, with `hold` beside the input weights."""
        wide = [torch.cat([w, hold], dim=1) if i % 4 == 0 else w for i, w in enumerate(weights)]
        parts = [wide[i] for i in CudnnWeights.MATRICES_FIRST]
        placed = _unflatten_dense_tensors(_flatten_dense_tensors(parts), parts)
        return tuple(placed[i] for i in CudnnWeights.MATRICES_FIRST)

    @staticmethod
    def backward(ctx, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        return None, *(g[:, :-COLUMNS] if i % 4 == 0 else g for i, g in enumerate(gradients))
