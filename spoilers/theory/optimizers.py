"""Four optimizers in NumPy, to be read beside the equations; the arithmetic is PyTorch's.

Each takes the weights w, the gradient g and what it remembers, and returns new weights and a new
memory. A memory starts as zeros, which the defaults stand for.
"""

import numpy as np

Memory = tuple[np.ndarray | float, ...]


def sgd(w: np.ndarray, g: np.ndarray, memory: Memory = (), *, rate: float) -> tuple[np.ndarray, Memory]:
    """Robbins and Monro (1951). Remembers nothing."""
    return w - rate * g, memory


def momentum(
    w: np.ndarray, g: np.ndarray, memory: Memory = (0.0,), *, rate: float, mu: float = 0.9
) -> tuple[np.ndarray, Memory]:
    """Polyak (1964), as in `torch.optim.SGD` with dampening 0. Remembers the velocity v."""
    (v,) = memory
    v = mu * v + g
    return w - rate * v, (v,)


def rmsprop(
    w: np.ndarray,
    g: np.ndarray,
    memory: Memory = (0.0,),
    *,
    rate: float,
    alpha: float = 0.99,
    eps: float = 1e-8,
) -> tuple[np.ndarray, Memory]:
    """Tieleman and Hinton (2012). Remembers s, the mean of the squared gradient."""
    (s,) = memory
    s = alpha * s + (1 - alpha) * g**2
    return w - rate * g / (np.sqrt(s) + eps), (s,)


def adam(
    w: np.ndarray,
    g: np.ndarray,
    memory: Memory = (0.0, 0.0, 0),
    *,
    rate: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
) -> tuple[np.ndarray, Memory]:
    """Kingma and Ba (2015). Remembers m and s, the means of g and of its square, and the step t."""
    m, s, t = memory
    t += 1
    m = beta1 * m + (1 - beta1) * g
    s = beta2 * s + (1 - beta2) * g**2
    m_hat, s_hat = m / (1 - beta1**t), s / (1 - beta2**t)
    return w - rate * m_hat / (np.sqrt(s_hat) + eps), (m, s, t)


def clip(gradients: list[np.ndarray], largest: float) -> tuple[list[np.ndarray], float]:
    """Pascanu et al. (2013): all gradients, shortened together to the norm `largest`, and their norm."""
    norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
    factor = min(1.0, largest / (norm + 1e-6))
    return [factor * g for g in gradients], float(norm)
