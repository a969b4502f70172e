"""The four optimizers take the steps of PyTorch's own, with the settings of the parameters."""

import pytest
import torch
from torch import nn

from spoilers.core import params
from spoilers.training.optimizers import clip, make, state_bytes
from tests.rnn_data import ROOT

OPTIMIZERS = params.load(ROOT / "params.yaml").optimizers
THEIRS = {
    "sgd": lambda weights: torch.optim.SGD(weights, 0.05, foreach=True),
    "momentum": lambda weights: torch.optim.SGD(weights, 0.05, momentum=0.9, foreach=True),
    "rmsprop": lambda weights: torch.optim.RMSprop(weights, 0.05, foreach=True),
    "adam": lambda weights: torch.optim.Adam(weights, 0.05, foreach=True),
}


def weights_and_gradients(steps: int) -> tuple[list[nn.Parameter], list[list[torch.Tensor]]]:
    """Return weights of two shapes, and their gradients at each step: of all sizes, and sometimes zero."""
    draw = torch.Generator().manual_seed(1)
    shapes = (7, 5), (11,)
    weights = [nn.Parameter(torch.randn(shape, generator=draw)) for shape in shapes]
    gradients = [
        [torch.randn(shape, generator=draw) * 10.0 ** (t % 5 - 3) * (t % 4 > 0) for shape in shapes]
        for t in range(steps)
    ]
    return weights, gradients


def take_steps(optimizer, weights: list[nn.Parameter], gradients: list[list[torch.Tensor]]) -> None:
    for step in gradients:
        for weight, gradient in zip(weights, step, strict=True):
            weight.grad = gradient.clone()
        optimizer.step()


@pytest.mark.parametrize("name", THEIRS)
def test_each_step_is_pytorchs_to_the_bit(name):
    mine, gradients = weights_and_gradients(60)
    theirs, _ = weights_and_gradients(0)
    my_optimizer, their_optimizer = make(getattr(OPTIMIZERS, name).settings, 0.05, mine), THEIRS[name](theirs)
    for step in gradients:
        take_steps(my_optimizer, mine, [step])
        take_steps(their_optimizer, theirs, [step])
        for a, b in zip(mine, theirs, strict=True):
            assert torch.equal(a, b)
    start, _ = weights_and_gradients(0)
    assert not any(torch.equal(a, b) for a, b in zip(mine, start, strict=True))


def test_fused_adam_is_pytorchs_and_close_to_the_other():
    weights = [weights_and_gradients(0)[0] for _ in range(3)]
    gradients = weights_and_gradients(60)[1]
    settings = OPTIMIZERS.adam.settings
    theirs = torch.optim.Adam(weights[1], 0.05, fused=True)
    optimizers = make(settings, 0.05, weights[0], fused=True), theirs, make(settings, 0.05, weights[2])
    for optimizer, own in zip(optimizers, weights, strict=True):
        take_steps(optimizer, own, gradients)
    for mine, others, plain in zip(*weights, strict=True):
        assert torch.equal(mine, others)
        torch.testing.assert_close(mine, plain)


@pytest.mark.parametrize("name", THEIRS)
def test_goes_on_from_a_saved_state(name):
    whole, gradients = weights_and_gradients(20)
    take_steps(make(getattr(OPTIMIZERS, name).settings, 0.05, whole), whole, gradients)
    halves, _ = weights_and_gradients(0)
    first, second = (make(getattr(OPTIMIZERS, name).settings, 0.05, halves) for _ in range(2))
    take_steps(first, halves, gradients[:10])
    second.load_state_dict(first.state_dict())
    take_steps(second, halves, gradients[10:])
    assert all(torch.equal(a, b) for a, b in zip(whole, halves, strict=True))


def test_a_frozen_weight_stays():
    weights, gradients = weights_and_gradients(3)
    frozen = nn.Parameter(torch.ones(4), requires_grad=False)
    take_steps(make(OPTIMIZERS.adam.settings, 0.05, [frozen, *weights]), weights, gradients)
    assert torch.equal(frozen, torch.ones(4))


@pytest.mark.parametrize(("name", "numbers"), [("sgd", 0), ("momentum", 1), ("rmsprop", 1), ("adam", 2)])
def test_bytes_of_state(name, numbers):
    weight = nn.Parameter(torch.ones(10))
    assert state_bytes(make(getattr(OPTIMIZERS, name).settings, 0.1, [weight])) == numbers * 10 * 4


def test_clipping_is_pytorchs_to_the_bit():
    mine, gradients = weights_and_gradients(12)
    theirs, _ = weights_and_gradients(0)
    clipped = 0
    for step in gradients:
        for a, b, gradient in zip(mine, theirs, step, strict=True):
            a.grad, b.grad = gradient.clone(), gradient.clone()
        norm = clip([weight.grad for weight in mine], 1.0)
        assert torch.equal(norm, nn.utils.clip_grad_norm_(theirs, 1.0))
        assert all(torch.equal(a.grad, b.grad) for a, b in zip(mine, theirs, strict=True))
        clipped += norm > 1
    assert 0 < clipped < len(gradients)
