"""The reference optimizers take PyTorch's steps, and act on small problems as the page says."""

import numpy as np
import pytest
import torch

from spoilers.core.params import AdamSettings, MomentumSettings, RMSpropSettings
from spoilers.models import counts
from spoilers.theory import optimizers, trials
from spoilers.training.optimizers import make, state_bytes

CHOICES = {
    "sgd": [(MomentumSettings(momentum=0.0), {})],
    "momentum": [(MomentumSettings(momentum=mu), {"mu": mu}) for mu in (0.5, 0.9, 0.99)],
    "rmsprop": [
        (RMSpropSettings(alpha=a, eps=e), {"alpha": a, "eps": e}) for a, e in [(0.99, 1e-8), (0.9, 0.1)]
    ],
    "adam": [
        (AdamSettings(beta1=b, beta2=c, eps=e), {"beta1": b, "beta2": c, "eps": e})
        for b, c, e in [(0.9, 0.999, 1e-8), (0.5, 0.9, 0.1)]
    ],
}


@pytest.mark.parametrize(("name", "case"), [(n, case) for n, cases in CHOICES.items() for case in cases])
def test_two_hundred_steps_are_those_of_pytorch(name, case):
    chosen, settings = case
    random = np.random.default_rng(3)
    w = random.standard_normal((4, 5))
    theirs = torch.nn.Parameter(torch.from_numpy(w.copy()))
    optimizer, state = make(chosen, 0.01, [theirs]), None
    for t in range(200):
        g = random.standard_normal(w.shape) * (10.0 ** random.integers(-4, 3))
        g[:, t % 5 :] *= t % 3 == 0  # sparse now and then
        w, state = trials.step(name, w, g, state, rate=0.01, **settings)
        theirs.grad = torch.from_numpy(g)
        optimizer.step()
        np.testing.assert_allclose(w, theirs.detach().numpy(), rtol=1e-10, atol=1e-10)


def test_clipping_is_pytorchs():
    random = np.random.default_rng(4)
    gradients = [random.standard_normal(shape) for shape in ((3, 4), 5)]
    for largest in (0.1, 1.0, 100.0):
        parameters = [torch.nn.Parameter(torch.from_numpy(g)) for g in gradients]
        for parameter in parameters:
            parameter.grad = parameter.detach().clone()
        norm = torch.nn.utils.clip_grad_norm_(parameters, largest)
        clipped, ours = optimizers.clip(gradients, largest)
        assert ours == pytest.approx(norm.item(), abs=1e-10)
        for a, b in zip(clipped, parameters, strict=True):
            np.testing.assert_allclose(a, b.grad.numpy(), rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", CHOICES)
def test_memories_are_as_large_as_counted(name):
    weights = torch.nn.Parameter(torch.zeros(30, 10))
    weights.grad = torch.ones_like(weights)
    optimizer = make(CHOICES[name][0][0], 0.1, [weights])
    optimizer.step()
    assert state_bytes(optimizer) == 4 * counts.MEMORIES[name] * weights.numel()


def test_measurements_agree_with_the_formulas():
    sgd, momentum = (trials.best_rate(name, trials.ravine()) for name in ("sgd", "momentum"))
    assert sgd.steps == pytest.approx(trials.shrinking_steps(99 / 101), rel=0.1)
    assert momentum.steps == pytest.approx(trials.shrinking_steps(0.9**0.5), rel=0.1)
    assert sgd.highest < 2 / 100 < 10 ** (1 / 4) * sgd.highest
    assert momentum.highest < 2 * 1.9 / 100 < 10 ** (1 / 4) * momentum.highest
    assert trials.noise_floor("sgd") == pytest.approx(trials.sgd_noise(0.01), rel=0.05)
    assert trials.saddle_steps("sgd") == pytest.approx(np.log(0.5e6) / np.log(1.01), rel=0.02)


def test_the_scale_of_the_loss_matters_to_sgd_and_not_to_adam():
    random = np.random.default_rng(5)
    gradients = random.standard_normal((20, 3))

    def end(name: str, scale: float) -> np.ndarray:
        w, state = np.zeros(3), None
        for g in gradients:
            w, state = trials.step(name, w, scale * g, state, rate=0.01)
        return w

    for name in ("rmsprop", "adam"):
        np.testing.assert_allclose(end(name, 1000), end(name, 1), rtol=1e-5)
    for name in ("sgd", "momentum"):
        np.testing.assert_allclose(end(name, 1000), 1000 * end(name, 1))


def test_bias_correction():
    """A gradient that never changes makes steps of one rate; without the correction, longer ones."""
    np.testing.assert_allclose(trials.step_lengths("adam", 100), 1, rtol=1e-6)
    assert trials.step_lengths("rmsprop", 1)[0] == pytest.approx(10)
    assert 6 < trials.uncorrected_adam_lengths(100).max() < 7


def test_adam_can_go_the_wrong_way():
    assert trials.wrong_way(0.99) > 0 > trials.wrong_way(0.9999)
    assert trials.wrong_way(0.999) > 0


def test_rare_weights_are_lifted_by_the_adaptive_two():
    frequent, rare = zip(*(trials.rare_moves(name) for name in CHOICES), strict=True)
    ratios = np.divide(rare, frequent)
    np.testing.assert_allclose(ratios[:2], 1, rtol=0.05)
    assert (ratios[2:] > 5).all()
