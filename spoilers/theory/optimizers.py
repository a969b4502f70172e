"""Compute the steps of four optimizers in NumPy; read it beside the equations.

Each function takes weights w, their gradient g (of the same shape) and the optimizer's state, and returns
the new weights and the new state. The state starts as zeros, which are the defaults. The arithmetic is
PyTorch's.
"""

import numpy as np

State = tuple[np.ndarray | float, ...]


def sgd(w: np.ndarray, g: np.ndarray, state: State = (), *, rate: float) -> tuple[np.ndarray, State]:
    """Take a step of SGD (Robbins and Monro, 1951), which has no state."""
    return w - rate * g, state


def momentum(
    w: np.ndarray, g: np.ndarray, state: State = (0.0,), *, rate: float, mu: float = 0.9
) -> tuple[np.ndarray, State]:
    """Take a step with momentum (Polyak, 1964). The state is the velocity v."""
    (v,) = state
    v = mu * v + g
    return w - rate * v, (v,)


def rmsprop(
    w: np.ndarray,
    g: np.ndarray,
    state: State = (0.0,),
    *,
    rate: float,
    alpha: float = 0.99,
    eps: float = 1e-8,
) -> tuple[np.ndarray, State]:
    """Take a step of RMSprop (Tieleman and Hinton, 2012). The state is s, the mean of g^2."""
    (s,) = state
    s = alpha * s + (1 - alpha) * g**2
    return w - rate * g / (np.sqrt(s) + eps), (s,)


def adam(
    w: np.ndarray,
    g: np.ndarray,
    state: State = (0.0, 0.0, 0),
    *,
    rate: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
) -> tuple[np.ndarray, State]:
    """Take a step of Adam (Kingma and Ba, 2015). The state is the means m of g and s of g^2, and t."""
    m, s, t = state
    t += 1
    m = beta1 * m + (1 - beta1) * g
    s = beta2 * s + (1 - beta2) * g**2
    m_hat, s_hat = m / (1 - beta1**t), s / (1 - beta2**t)
    return w - rate * m_hat / (np.sqrt(s_hat) + eps), (m, s, t)


def clip(gradients: list[np.ndarray], largest: float) -> tuple[list[np.ndarray], float]:
    """Scale gradients to a joint norm of at most `largest` (Pascanu et al., 2013).

    Returns the scaled gradients and the norm before scaling.
    """
    norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
    factor = min(1.0, largest / (norm + 1e-6))
    return [factor * g for g in gradients], float(norm)
