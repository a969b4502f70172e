"""Compare reversal and the bidirectional layer with PyTorch's own."""

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from spoilers.models.bidirectional import BidirectionalRNN, reverse

LENGTHS = [6, 1, 4]


def reversal(lengths: list[int], tokens: int) -> torch.Tensor:
    """Build the index review by review."""
    index = torch.arange(tokens * len(lengths)).view(tokens, -1)
    for i, n in enumerate(lengths):
        index[:n, i] = index[:n, i].flip(0)
    return index.flatten()


def test_a_reversal_undoes_itself_and_so_does_its_gradient():
    draw = torch.Generator().manual_seed(2)
    plain, weights = (torch.randn(8, 3, 2, generator=draw) for _ in range(2))
    index = reversal(LENGTHS, 8)
    states = plain.clone().requires_grad_()
    turned = reverse(states, index)
    order = [[*range(n - 1, -1, -1), *range(n, 8)] for n in LENGTHS]
    assert torch.equal(turned, torch.stack([plain[rows, i] for i, rows in enumerate(order)], dim=1))
    assert torch.equal(reverse(turned, index), plain)
    (turned * weights).sum().backward()
    assert torch.equal(reverse(states.grad, index), weights)


@pytest.mark.parametrize("layer", [nn.LSTM, nn.GRU])
@pytest.mark.parametrize("layers", [1, 2])
def test_equals_packed_sequences(layer, layers):
    torch.manual_seed(1)
    ours = BidirectionalRNN(layer, 5, 4, layers, bidirectional=True, dropout=0.0)
    theirs = layer(5, 4, layers, bidirectional=True)
    with torch.no_grad():
        for parts, suffix in ((ours.forwards, ""), (ours.backwards, "_reverse")):
            for i, part in enumerate(parts):
                for name, value in part.named_parameters():
                    getattr(theirs, name.replace("_l0", f"_l{i}{suffix}")).copy_(value)
    inputs, index = torch.randn(8, 3, 5), reversal(LENGTHS, 8)
    forward, backward = ours(inputs, index, None)
    packed = pack_padded_sequence(inputs, torch.tensor(LENGTHS), enforce_sorted=False)
    expected = pad_packed_sequence(theirs(packed)[0])[0]  # (6, 3, 8)
    found = torch.cat([forward, reverse(backward, index)], dim=-1)
    for i, n in enumerate(LENGTHS):
        assert torch.allclose(found[:n, i], expected[:n, i], atol=1e-6)
