"""The four optimizers are what the parameters say."""

import pytest
import torch
from torch import nn

from spoilers.core import params
from spoilers.training.optimizers import make, state_bytes
from tests.rnn_data import ROOT

CLASSES = {"sgd": "SGD", "momentum": "SGD", "rmsprop": "RMSprop", "adam": "Adam"}
SETTINGS = {
    "sgd": {"momentum": 0.0},
    "momentum": {"momentum": 0.9},
    "rmsprop": {"alpha": 0.99, "eps": 1e-8},
    "adam": {"betas": (0.9, 0.999), "eps": 1e-8},
}


@pytest.mark.parametrize("name", CLASSES)
def test_as_configured(name):
    chosen = getattr(params.load(ROOT / "params.yaml").optimizers, name)
    optimizer = make(chosen.settings, 0.25, [nn.Parameter(torch.ones(3))])
    group = optimizer.param_groups[0]
    assert type(optimizer).__name__ == CLASSES[name]
    assert {key: group[key] for key in SETTINGS[name]} == SETTINGS[name]
    assert group["lr"] == 0.25
    assert group["foreach"] and not group.get("fused"), "the same kind of implementation for all"
    assert group["weight_decay"] == 0
    assert not group.get("nesterov") and not group.get("centered") and not group.get("amsgrad")


@pytest.mark.parametrize("name", CLASSES)
def test_fused_takes_the_same_steps(name):
    weights = {}
    for fused in (False, True):
        draw = torch.Generator().manual_seed(1)
        weight = nn.Parameter(torch.randn(50, generator=draw))
        chosen = getattr(params.load(ROOT / "params.yaml").optimizers, name)
        optimizer = make(chosen.settings, 0.05, [weight], fused)
        for _ in range(20):
            weight.grad = torch.randn(50, generator=draw)
            optimizer.step()
        weights[fused] = weight.detach()
        if fused:
            assert bool(optimizer.param_groups[0].get("fused")) == (name != "rmsprop")
    torch.testing.assert_close(weights[True], weights[False])


@pytest.mark.parametrize(("name", "numbers"), [("sgd", 0), ("momentum", 1), ("rmsprop", 1), ("adam", 2)])
def test_bytes_of_state(name, numbers):
    weight = nn.Parameter(torch.ones(10))
    optimizer = make(getattr(params.load(ROOT / "params.yaml").optimizers, name).settings, 0.1, [weight])
    assert state_bytes(optimizer) == 0
    weight.grad = torch.ones(10)
    optimizer.step()
    assert state_bytes(optimizer) == numbers * 10 * 4
