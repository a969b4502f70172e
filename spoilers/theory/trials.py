"""Small computations whose results the pages quote and draw."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from spoilers.theory import cells, optimizers
from spoilers.theory.cells import Cell, Weights

OPTIMIZERS: dict[str, Callable] = {
    "sgd": optimizers.sgd,
    "momentum": optimizers.momentum,
    "rmsprop": optimizers.rmsprop,
    "adam": optimizers.adam,
}
RATES = 10.0 ** (np.arange(-16, 5) / 4)  # four a decade, from 0.0001 to 10


# Cells


def gradient_by_distance(
    cell: Cell, weights: Weights, tokens: int, scale: float, batch: int = 16
) -> np.ndarray:
    """Norm of a gradient that enters at the last h, 0, 1, 2, ... steps before it (tokens + 1).

    The gradient in the whole state is meant: (h, c) in an LSTM. Tokens are normal numbers of
    standard deviation `scale`; the mean over sequences is a geometric one.
    """
    random = np.random.default_rng(1)
    H, X = weights.U.shape[1], weights.W.shape[1]
    xs = random.standard_normal((tokens, batch, X)) * scale
    start = tuple(np.zeros((batch, H)) for _ in range(cell.states))
    hs, last, kept = cells.forward(cell, weights, xs, start)
    d_h = random.standard_normal((batch, H))
    d_h /= np.linalg.norm(d_h, axis=1, keepdims=True)
    d_last = (d_h, *(np.zeros_like(part) for part in last[1:]))
    _, d_states, _ = cells.backward(cell, weights, kept, np.zeros_like(hs), d_last)
    norms = [np.sqrt(sum((part**2).sum(axis=1) for part in state)) for state in [*d_states, d_last]]
    return np.exp(np.log(norms).mean(axis=1))[::-1]


def gradient_curves(X: int, H: int, tokens: int = 100) -> dict[str, dict[str, np.ndarray]]:
    """Curves over the distance: a plain cell, this project's start, gates held open, and a path cut.

    Inputs are of the size of this project's embeddings at the start.
    """

    def curve(cell: Cell, factor: float = 1.0, memory: float | None = None, cut: bool = False) -> np.ndarray:
        weights = cells.initial(cell, X, H, np.random.default_rng(0))
        if memory is not None:
            weights.b[H : 2 * H] = memory  # the forget gate's rows in an LSTM, the update gate's in a GRU
        if cut:
            weights.U[2 * H : 3 * H] = 0  # no path through the candidate
        return gradient_by_distance(cell, weights._replace(U=factor * weights.U), tokens, 0.1)

    return {
        "plain": {str(factor): curve(cells.PLAIN, factor) for factor in (0.8, 1.0, 1.5)},
        "start": {
            "plain": curve(cells.PLAIN),
            "LSTM": curve(cells.LSTM),
            "GRU": curve(cells.GRU),
        },
        "open": {
            "plain": curve(cells.PLAIN),
            "LSTM": curve(cells.LSTM, memory=5.0),
            "GRU": curve(cells.GRU, memory=5.0),
        },
        "cut": {"LSTM": curve(cells.LSTM, memory=5.0, cut=True)},
    }


def reset_difference(X: int, H: int, tokens: int = 20) -> float:
    """Largest difference between the h of the two forms of the reset gate, all else equal."""
    random = np.random.default_rng(0)
    weights = cells.initial(cells.GRU, X, H, random)
    xs, start = random.standard_normal((tokens, 1, X)), (np.zeros((1, H)),)
    after, _, _ = cells.forward(cells.GRU, weights, xs, start)
    before, _, _ = cells.forward(cells.GRU_BEFORE, weights, xs, start)
    return float(np.abs(after - before).max())


def kept_numbers(cell: Cell, X: int, H: int) -> int:
    """Numbers that one step on one token keeps for the way back."""
    weights = cells.initial(cell, X, H, np.random.default_rng(0))
    _, kept = cell.step(weights, np.zeros((1, X)), tuple(np.zeros((1, H)) for _ in range(cell.states)))
    return sum(part.size for part in kept)


def half_life(gate: float | np.ndarray) -> float | np.ndarray:
    """Steps after which a gate that stays at this value has kept half of a memory."""
    return np.log(0.5) / np.log(gate)


def counter(steps: int) -> Weights:
    """An LSTM of one unit that counts: up at token (1, 0), down at token (0, 1); gates all but saturated."""
    W = np.array([[0, 0], [0, 0], [50.0, -50.0], [0, 0]])
    return Weights(W, np.zeros((4, 1)), np.array([50.0, 50.0, 0, 50.0]), np.zeros(4))


def counted(ups: int, downs: int) -> float:
    """The memory cell of `counter` after so many tokens of each kind."""
    tokens = np.repeat(np.eye(2), [ups, downs], axis=0)[:, None]  # (ups + downs, 1, 2)
    zero = np.zeros((1, 1))
    _, (_, c), _ = cells.forward(cells.LSTM, counter(ups), tokens, (zero, zero))
    return float(c[0, 0])


def longest_gru_count(z: float) -> int:
    """Steps after which a GRU unit that rises with this update gate no longer changes, in float32."""
    z, h, steps = np.float32(z), np.float32(0), 0
    while (new := (1 - z) * np.float32(1) + z * h) != h:
        h, steps = new, steps + 1
    return steps


# Optimizers


class Path(NamedTuple):
    points: np.ndarray  # (steps + 1, ..., 2)
    losses: np.ndarray  # (steps + 1, ...)


class Surface(NamedTuple):
    """A loss over the plane, with its gradient; both take (..., 2)."""

    loss: Callable[[np.ndarray], np.ndarray]
    gradient: Callable[[np.ndarray], np.ndarray]
    start: tuple[float, float]
    minimum: tuple[float, float]


def ravine(condition: float = 100.0, angle: float = 0.0) -> Surface:
    """A quadratic valley, `condition` times as steep across as along, turned by `angle`."""
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    A = turn @ np.diag([1.0, condition]) @ turn.T
    start = turn @ (-10.0, 1.0)
    return Surface(lambda w: 0.5 * ((w @ A) * w).sum(-1), lambda w: w @ A, tuple(start), (0, 0))


def rosenbrock() -> Surface:
    """Rosenbrock's bent valley (1960); the minimum is at (1, 1)."""

    def loss(w: np.ndarray) -> np.ndarray:
        return (1 - w[..., 0]) ** 2 + 100 * (w[..., 1] - w[..., 0] ** 2) ** 2

    def gradient(w: np.ndarray) -> np.ndarray:
        across = w[..., 1] - w[..., 0] ** 2
        return np.stack([-2 * (1 - w[..., 0]) - 400 * w[..., 0] * across, 200 * across], -1)

    return Surface(loss, gradient, (-1.5, 1.0), (1, 1))


def descend(name: str, surface: Surface, rates: np.ndarray, steps: int) -> Path:
    """Follow the exact gradient from the start, once for each rate, side by side."""
    update, rates = OPTIMIZERS[name], np.asarray(rates)[..., None]
    w = np.broadcast_to(np.array(surface.start), (*rates.shape[:-1], 2))
    points, memory = [w], None
    with np.errstate(over="ignore", invalid="ignore"):  # rates that are too large
        for _ in range(steps):
            arguments = (w, surface.gradient(w)) if memory is None else (w, surface.gradient(w), memory)
            w, memory = update(*arguments, rate=rates)
            points.append(w)
        points = np.stack(points)
        return Path(points, surface.loss(points))


def settled(losses: np.ndarray, share: float = 1e-4) -> np.ndarray:
    """The step from which on the loss (steps + 1, ...) is below a share of its start; steps + 1 for never."""
    above = ~(losses < share * losses[0])  # a loss that is no number counts as above
    return len(losses) - np.argmax(above[::-1], axis=0)


class Search(NamedTuple):
    """Of the rates tried: the best, its steps, and the smallest and largest that arrive at all."""

    rate: float
    steps: int
    lowest: float
    highest: float

    @property
    def band(self) -> float:
        return self.highest / self.lowest


def best_rate(name: str, surface: Surface, steps: int = 3000) -> Search:
    needed = settled(descend(name, surface, RATES, steps).losses)
    arrive = RATES[needed <= steps]
    return Search(float(RATES[needed.argmin()]), int(needed.min()), float(arrive.min()), float(arrive.max()))


def shrinking_steps(factor: float, times: float = 100) -> float:
    """Steps that make a distance so many times shorter, when each multiplies it by `factor`."""
    return np.log(times) / -np.log(factor)


def sgd_noise(rate: float) -> float:
    """What `noise_floor` measures for SGD, as a formula: where a step's loss and gain balance."""
    return np.sqrt(rate / (2 - rate))


def saddle_steps(name: str, rate: float = 0.01, start: float = 1e-6) -> int:
    """Steps until w2 passes 1/2 on (w1^2 - w2^2) / 2 + w2^4 / 4, from (1, start); the saddle is at 0."""
    loss = Surface(
        lambda w: (w[..., 0] ** 2 - w[..., 1] ** 2) / 2 + w[..., 1] ** 4 / 4,
        lambda w: np.stack([w[..., 0], w[..., 1] ** 3 - w[..., 1]], -1),
        (1.0, start),
        (0, 1),
    )
    points = descend(name, loss, np.array(rate), 3000).points
    return int(np.argmax(np.abs(points[:, 1]) > 0.5))


def rare_moves(name: str, every: int = 100, occurrences: int = 100) -> np.ndarray:
    """How far one weight moves for each time its gradient is 1, in learning rates.

    The first weight's gradient is 1 at every step, the second's at one of `every` steps and else 0.
    """
    w, memory = np.zeros(2), None
    for t in range(1, every * occurrences + 1):
        g = np.array([1.0, float(t % every == every // 2)])
        w, memory = run_one(name, w, g, memory, rate=1.0)
    return -w / (every * occurrences, occurrences)


def noise_floor(name: str, rate: float = 0.01, weights: int = 200, steps: int = 4000) -> float:
    """Root mean square distance from the minimum of w^2 / 2, with unit noise on every gradient."""
    random = np.random.default_rng(0)
    w, memory, squares = np.zeros(weights), None, []
    for t in range(steps):
        w, memory = run_one(name, w, w + random.standard_normal(weights), memory, rate=rate)
        if t >= steps // 2:
            squares.append(np.mean(w**2))
    return float(np.sqrt(np.mean(squares)))


def step_lengths(name: str, steps: int, **settings: float) -> np.ndarray:
    """Length of each step under a gradient that is always 1, in learning rates (steps)."""
    w, memory, lengths = np.zeros(1), None, []
    for _ in range(steps):
        new, memory = run_one(name, w, np.ones(1), memory, rate=1.0, **settings)
        lengths.append(float((w - new)[0]))
        w = new
    return np.array(lengths)


def uncorrected_adam_lengths(steps: int, beta1: float = 0.9, beta2: float = 0.999) -> np.ndarray:
    """The same for Adam without its bias correction, as a formula."""
    t = np.arange(1, steps + 1)
    return (1 - beta1**t) / np.sqrt(1 - beta2**t)


def wrong_way(beta2: float) -> float:
    """Adam's move over one cycle of 101 gradients, in learning rates, once its memory has settled.

    One gradient is 1010, the hundred others -10 (Reddi et al., 2018): the sum is 10, so that a
    descent moves down.
    """
    w, memory, before = np.zeros(1), None, 0.0
    cycle = np.array([[1010.0]] + 100 * [[-10.0]])
    for _ in range(int(5 / (1 - beta2) / len(cycle)) + 2):
        before = float(w[0])
        for g in cycle:
            w, memory = run_one("adam", w, g, memory, rate=1.0, beta2=beta2)
    return float(w[0]) - before


def run_one(name: str, w: np.ndarray, g: np.ndarray, memory: tuple | None, **settings: float) -> tuple:
    """One step; a memory of None is that before the first."""
    update = OPTIMIZERS[name]
    return update(w, g, **settings) if memory is None else update(w, g, memory, **settings)
