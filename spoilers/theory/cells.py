"""Compute recurrent cells in NumPy, forward and backward through time; read it beside the equations.

Weights have PyTorch's layout: one matrix holds the rows of all gates, in PyTorch's order.
A state is a tuple whose first member is h. A step returns the new state and what its backward step needs.
Sizes: B sequences, T tokens, X numbers per token, H units, G gates and candidates (1 plain, 3 GRU, 4 LSTM).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

State = tuple[np.ndarray, ...]  # each (B, H)


class Weights(NamedTuple):
    """The weights of one cell: PyTorch's `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0` and `bias_hh_l0`."""

    W: np.ndarray  # (G*H, X), applied to the token
    U: np.ndarray  # (G*H, H), applied to the previous h
    b: np.ndarray  # (G*H), added to the first product
    d: np.ndarray  # (G*H), added to the second product


def sigmoid(a: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(-a))."""
    return 0.5 * (1 + np.tanh(0.5 * a))  # no overflow, whatever the sign of a


def plain_step(weights: Weights, x: np.ndarray, state: State) -> tuple[State, tuple]:
    """Run one step of a cell without gates (Elman, 1990): x (B, X), h (B, H)."""
    W, U, b, d = weights
    (h,) = state
    new = np.tanh(x @ W.T + b + h @ U.T + d)
    return (new,), (x, h, new)


def plain_step_backward(weights: Weights, saved: tuple, d_state: State) -> tuple[np.ndarray, State, Weights]:
    """Turn the gradient of the new h into those of x, the previous h and the weights."""
    x, h, new = saved
    d_sum = d_state[0] * (1 - new**2)  # (B, H)
    return d_sum @ weights.W, (d_sum @ weights.U,), weight_gradients(d_sum, x, d_sum, h)


def lstm_step(weights: Weights, x: np.ndarray, state: State) -> tuple[State, tuple]:
    """Run one step of the LSTM: x (B, X), h and c (B, H)."""
    W, U, b, d = weights
    h, c = state
    i, f, g, o = np.split(x @ W.T + b + h @ U.T + d, 4, axis=1)
    i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
    new_c = f * c + i * g
    shown = np.tanh(new_c)
    new_h = o * shown
    return (new_h, new_c), (x, h, c, i, f, g, o, shown)


def lstm_step_backward(weights: Weights, saved: tuple, d_state: State) -> tuple[np.ndarray, State, Weights]:
    """Turn the gradients of the new h and c into those of x, the previous h and c, and the weights."""
    x, h, c, i, f, g, o, shown = saved
    d_h, d_c = d_state
    d_c = d_c + d_h * o * (1 - shown**2)
    d_i = d_c * g * i * (1 - i)
    d_f = d_c * c * f * (1 - f)
    d_g = d_c * i * (1 - g**2)
    d_o = d_h * shown * o * (1 - o)
    d_sum = np.concatenate([d_i, d_f, d_g, d_o], axis=1)  # (B, 4H)
    return d_sum @ weights.W, (d_sum @ weights.U, d_c * f), weight_gradients(d_sum, x, d_sum, h)


def gru_step(weights: Weights, x: np.ndarray, state: State) -> tuple[State, tuple]:
    """Run one step of the GRU, reset gate after the product as in PyTorch: x (B, X), h (B, H)."""
    W, U, b, d = weights
    (h,) = state
    from_x, from_h = np.split(x @ W.T + b, 3, axis=1), np.split(h @ U.T + d, 3, axis=1)
    r = sigmoid(from_x[0] + from_h[0])
    z = sigmoid(from_x[1] + from_h[1])
    n = np.tanh(from_x[2] + r * from_h[2])
    new = (1 - z) * n + z * h
    return (new,), (x, h, r, z, n, from_h[2])


def gru_step_backward(weights: Weights, saved: tuple, d_state: State) -> tuple[np.ndarray, State, Weights]:
    """Turn the gradient of the new h into those of x, the previous h and the weights."""
    x, h, r, z, n, from_h = saved
    (d_new,) = d_state
    d_n = d_new * (1 - z) * (1 - n**2)
    d_z = d_new * (h - n) * z * (1 - z)
    d_r = d_n * from_h * r * (1 - r)
    d_x_sum = np.concatenate([d_r, d_z, d_n], axis=1)  # (B, 3H)
    d_h_sum = np.concatenate([d_r, d_z, d_n * r], axis=1)  # (B, 3H)
    d_h = d_new * z + d_h_sum @ weights.U
    return d_x_sum @ weights.W, (d_h,), weight_gradients(d_x_sum, x, d_h_sum, h)


def gru_before_step(weights: Weights, x: np.ndarray, state: State) -> tuple[State, tuple]:
    """Run one step of the GRU, reset gate before the product (Cho et al., 2014, later version)."""
    W, U, b, d = weights
    (h,) = state
    H = h.shape[1]
    from_x, gates = x @ W.T + b, h @ U[: 2 * H].T + d[: 2 * H]
    r = sigmoid(from_x[:, :H] + gates[:, :H])
    z = sigmoid(from_x[:, H : 2 * H] + gates[:, H:])
    n = np.tanh(from_x[:, 2 * H :] + (r * h) @ U[2 * H :].T + d[2 * H :])
    new = (1 - z) * n + z * h
    return (new,), (x, h, r, z, n)


def gru_before_step_backward(
    weights: Weights, saved: tuple, d_state: State
) -> tuple[np.ndarray, State, Weights]:
    """Return the gradients of `gru_step_backward` for a candidate that reads r * h."""
    x, h, r, z, n = saved
    (d_new,), H = d_state, h.shape[1]
    d_n = d_new * (1 - z) * (1 - n**2)
    d_z = d_new * (h - n) * z * (1 - z)
    d_read = d_n @ weights.U[2 * H :]  # (B, H), the gradient of r * h
    d_r = d_read * h * r * (1 - r)
    d_gates = np.concatenate([d_r, d_z], axis=1)  # (B, 2H)
    d_h = d_new * z + d_read * r + d_gates @ weights.U[: 2 * H]
    d_sum = np.concatenate([d_gates, d_n], axis=1)  # (B, 3H)
    dW, _, db, dd = weight_gradients(d_sum, x, d_sum, h)
    dU = np.concatenate([d_gates.T @ h, d_n.T @ (r * h)])
    return d_sum @ weights.W, (d_h,), Weights(dW, dU, db, dd)


def weight_gradients(d_x_sum: np.ndarray, x: np.ndarray, d_h_sum: np.ndarray, h: np.ndarray) -> Weights:
    """Return the gradients of W, U, b and d from those of x W^T + b and h U^T + d, each (B, G*H)."""
    return Weights(d_x_sum.T @ x, d_h_sum.T @ h, d_x_sum.sum(0), d_h_sum.sum(0))


class Cell(NamedTuple):
    """A cell: its forward and backward steps, and its numbers of gates and of state vectors."""

    step: Callable
    backward: Callable
    gates: int
    states: int


PLAIN = Cell(plain_step, plain_step_backward, 1, 1)
LSTM = Cell(lstm_step, lstm_step_backward, 4, 2)
GRU = Cell(gru_step, gru_step_backward, 3, 1)
GRU_BEFORE = Cell(gru_before_step, gru_before_step_backward, 3, 1)


def forward(cell: Cell, weights: Weights, xs: np.ndarray, state: State) -> tuple[np.ndarray, State, list]:
    """Read xs (T, B, X); return all h (T, B, H), the last state, and what each step saves for `backward`."""
    hs, saved = [], []
    for x in xs:
        state, saved_step = cell.step(weights, x, state)
        hs.append(state[0])
        saved.append(saved_step)
    return np.stack(hs), state, saved


def backward(
    cell: Cell, weights: Weights, saved: list, d_hs: np.ndarray, d_state: State
) -> tuple[np.ndarray, list[State], Weights]:
    """Backpropagate through time.

    From the loss's gradients for every h (T, B, H) and for the last state, return those for xs (T, B, X),
    the state before each step (a list of T) and the weights.
    """
    d_xs, d_states = [], []
    total = Weights(*map(np.zeros_like, weights))
    for saved_step, d_h in zip(reversed(saved), reversed(d_hs), strict=True):
        d_state = (d_state[0] + d_h, *d_state[1:])
        d_x, d_state, d_weights = cell.backward(weights, saved_step, d_state)
        d_xs.append(d_x)
        d_states.append(d_state)
        total = Weights(*(a + b for a, b in zip(total, d_weights, strict=True)))
    return np.stack(d_xs[::-1]), d_states[::-1], total


def initial(cell: Cell, X: int, H: int, random: np.random.Generator) -> Weights:
    """Return initial weights as in this project's models: orthogonal U, Xavier W, LSTM forget bias 1."""
    W = np.concatenate([random.uniform(-1, 1, (H, X)) * np.sqrt(6 / (X + H)) for _ in range(cell.gates)])
    U = np.concatenate([np.linalg.qr(random.standard_normal((H, H)))[0] for _ in range(cell.gates)])
    b = np.zeros(cell.gates * H)
    if cell is LSTM:
        b[H : 2 * H] = 1
    return Weights(W, U, b, np.zeros_like(b))
