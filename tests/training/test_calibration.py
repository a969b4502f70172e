"""The temperature calibrates the probabilities and keeps the order of the reviews."""

import numpy as np
import pytest

from spoilers.metrics.scores import probability_scores
from spoilers.models.scoring import sigmoid
from spoilers.training.calibration import fit_temperature

DRAW = np.random.default_rng(3)
HONEST = DRAW.normal(-1, 1.5, 20_000).astype(np.float32)
LABELS = (DRAW.random(len(HONEST)) < sigmoid(HONEST)).astype(np.float32)


@pytest.mark.parametrize("factor", [0.25, 1.0, 4.0])
def test_finds_by_how_much_logits_were_multiplied(factor: float) -> None:
    temperature = fit_temperature(LABELS, factor * HONEST)
    assert temperature == pytest.approx(factor, rel=0.05)
    before, after = (probability_scores(LABELS, sigmoid(factor * HONEST, t)) for t in (1.0, temperature))
    assert after["log_loss"] <= before["log_loss"] + 1e-6
    assert after["calibration_error"] < 0.02
    if factor != 1.0:
        assert after["calibration_error"] < before["calibration_error"]


def test_labels_that_the_logits_separate_have_a_finite_temperature() -> None:
    assert 0 < fit_temperature(np.array([0.0, 1.0]), np.array([-1.0, 1.0], np.float32)) < 1
