"""Fit the temperature that calibrates a network's probabilities (Guo et al., 2017)."""

import numpy as np
from scipy.optimize import minimize_scalar

LARGEST = 3.0  # absolute value of the temperature's logarithm: 1/20 to 20


def fit_temperature(labels: np.ndarray, logits: np.ndarray) -> float:
    """Return the temperature by which to divide logits (reviews) for the lowest log loss.

    The order of the reviews, and so every ranking score, stays the same.
    """
    signs = np.where(labels > 0, 1.0, -1.0)

    def log_loss(log_temperature: float) -> float:
        return float(np.logaddexp(0, -signs * logits / np.exp(log_temperature)).mean())

    found = minimize_scalar(log_loss, bounds=(-LARGEST, LARGEST), method="bounded", options={"xatol": 1e-4})
    return round(float(np.exp(found.x)), 4)
