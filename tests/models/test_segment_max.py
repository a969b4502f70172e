"""Compare segment maxima and their gradients with a loop of `max`."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spoilers.models.segment_max import WINDOW, Windows, as_runs, as_windows, segment_max, windows


def windows_of(lengths: list[int], rows: np.ndarray | None = None) -> Windows:
    return as_windows(windows(np.array(lengths)), rows)


@pytest.mark.parametrize("kind", [windows_of, as_runs])
@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 90), min_size=1, max_size=9), st.integers(1, 4), st.integers(0, 10**6))
def test_equals_a_loop_of_max(kind, lengths, width, seed):
    draw = torch.Generator().manual_seed(seed)
    total = sum(lengths)
    rows = torch.randperm(total + 5, generator=draw)[:total]
    plain = torch.randn(total + 5, width, generator=draw)
    ours, theirs = plain.clone().requires_grad_(), plain.clone().requires_grad_()
    found = segment_max(ours, kind(lengths, rows.numpy()))
    expected = torch.stack([theirs[part].max(0).values for part in rows.split(lengths)])
    assert torch.equal(found, expected)
    weights = torch.randn(found.shape, generator=draw)
    (found * weights).sum().backward()
    (expected * weights).sum().backward()
    assert torch.equal(ours.grad, theirs.grad)


@given(st.lists(st.integers(1, 600), min_size=1, max_size=20))
def test_windows_cover_their_segment_and_nothing_else(lengths):
    first, *further = windows(np.array(lengths))
    covered = [set(row) for row in first]
    for level in further:
        covered = [set.union(*(covered[i] for i in row)) for row in level]
    ends = np.cumsum(lengths)
    expected = [set(range(end - n, end)) for end, n in zip(ends, lengths, strict=True)]
    assert covered == expected
    assert all(level.shape[1] == WINDOW for level in (first, *further))


def test_one_of_equal_maxima_has_the_gradient():
    rows = torch.ones(20, 3, requires_grad=True)
    segment_max(rows, windows_of([20])).sum().backward()
    assert rows.grad.sum(0).tolist() == [1, 1, 1] and set(rows.grad.flatten().tolist()) == {0, 1}


def test_maxima_that_are_not_numbers_are_seen():
    rows = torch.full((20, 1), torch.nan)
    assert segment_max(rows, windows_of([3, 17])).isnan().all()
