"""Maxima, lookups and reversals against PyTorch's own, with their gradients."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from spoilers.models.bidirectional import BothOrders, Places, Reverse
from spoilers.models.network import Lookup
from spoilers.models.segment_max import segment_maxima, windows


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 90), min_size=1, max_size=9), st.integers(1, 4), st.integers(0, 10**6))
def test_maxima_of_segments(lengths, width, seed):
    draw = torch.Generator().manual_seed(seed)
    total = sum(lengths)
    places = torch.randperm(total + 5, generator=draw)[:total]
    plain = torch.randn(total + 5, width, generator=draw)
    ours, theirs = plain.clone().requires_grad_(), plain.clone().requires_grad_()
    tokens, *levels = windows(torch.tensor(lengths))
    found = segment_maxima(ours, [places[tokens], *levels])
    expected = torch.stack([theirs[part].max(0).values for part in places.split(lengths)])
    assert torch.equal(found, expected)
    weights = torch.randn(found.shape, generator=draw)
    (found * weights).sum().backward()
    (expected * weights).sum().backward()
    assert torch.equal(ours.grad, theirs.grad)


def test_of_equal_maxima_one_has_the_gradient():
    rows = torch.ones(20, 3, requires_grad=True)
    segment_maxima(rows, windows(torch.tensor([20]))).sum().backward()
    assert rows.grad.sum(0).tolist() == [1, 1, 1] and set(rows.grad.flatten().tolist()) == {0, 1}


def test_maxima_that_are_not_numbers_are_seen():
    rows = torch.full((20, 1), torch.nan)
    assert segment_maxima(rows, windows(torch.tensor([3, 17]))).isnan().all()


@pytest.mark.parametrize("type_", [torch.float32, torch.bfloat16])
def test_lookup(type_):
    draw = torch.Generator().manual_seed(1)
    plain = torch.randn(9, 4, generator=draw).to(type_)
    ids = torch.randint(9, (7, 5), generator=draw, dtype=torch.int32)
    weights = torch.randint(-3, 4, (7, 5, 4), generator=draw).to(type_)
    ours, theirs = plain.clone().requires_grad_(), plain.clone().requires_grad_()
    (Lookup.apply(ours, ids) * weights).sum().backward()
    (F.embedding(ids, theirs) * weights).sum().backward()
    assert torch.equal(Lookup.apply(ours, ids), F.embedding(ids, theirs))
    assert torch.equal(ours.grad, theirs.grad)


@pytest.mark.parametrize("masked", [True, False])
def test_both_orders(masked):
    draw = torch.Generator().manual_seed(2)
    lengths = torch.tensor([6, 1, 4])
    reversal = Places(6, 3, lengths).reversal
    plain, weights = (torch.randn(6, 3, 2, generator=draw) for _ in range(2))
    mask = torch.randn(3, 2, generator=draw) if masked else None
    ours, theirs = plain.clone().requires_grad_(), plain.clone().requires_grad_()
    forward, backward = BothOrders.apply(ours.clone(), mask, reversal)
    states = theirs if mask is None else theirs * mask
    order = [[*range(n - 1, -1, -1), *range(n, 6)] for n in lengths.tolist()]
    turned = torch.stack([states[places, i] for i, places in enumerate(order)], dim=1)
    assert torch.equal(forward, states) and torch.equal(backward, turned)
    (forward * weights + backward * weights**2).sum().backward()
    (states * weights + turned * weights**2).sum().backward()
    assert torch.allclose(ours.grad, theirs.grad, atol=1e-6)
    again = plain.clone().requires_grad_()
    (Reverse.apply(again, reversal) * weights).sum().backward()
    assert torch.equal(Reverse.apply(again.grad, reversal), weights)
