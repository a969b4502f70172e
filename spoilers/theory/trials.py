"""Run the small experiments whose results the pages quote and draw."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from spoilers.models.embedding import ScaledEmbedding
from spoilers.theory import cells, optimizers
from spoilers.theory.cells import Cell, Weights

OPTIMIZERS: dict[str, Callable] = {
    "sgd": optimizers.sgd,
    "momentum": optimizers.momentum,
    "rmsprop": optimizers.rmsprop,
    "adam": optimizers.adam,
}
RATES = 10.0 ** (np.arange(-16, 5) / 4)  # four per decade, from 0.0001 to 10


# Cells


def gradient_by_distance(
    cell: Cell, weights: Weights, tokens: int, scale: float, batch: int = 16
) -> np.ndarray:
    """Return the norm of a gradient 0, 1, 2, ... steps before the last h, where it enters with norm 1.

    Returns geometric means (tokens + 1) over `batch` sequences of normal tokens with standard deviation
    `scale`. For an LSTM, the norm covers the gradients of h and c together.
    """
    random = np.random.default_rng(1)
    H, X = weights.U.shape[1], weights.W.shape[1]
    xs = random.standard_normal((tokens, batch, X)) * scale
    start = tuple(np.zeros((batch, H)) for _ in range(cell.states))
    hs, last, saved = cells.forward(cell, weights, xs, start)
    d_h = random.standard_normal((batch, H))
    d_h /= np.linalg.norm(d_h, axis=1, keepdims=True)
    d_last = (d_h, *(np.zeros_like(part) for part in last[1:]))
    _, d_states, _ = cells.backward(cell, weights, saved, np.zeros_like(hs), d_last)
    norms = [np.sqrt(sum((part**2).sum(axis=1) for part in state)) for state in [*d_states, d_last]]
    return np.exp(np.log(norms).mean(axis=1))[::-1]


def gradient_curves(X: int, H: int, tokens: int = 100) -> dict[str, dict[str, np.ndarray]]:
    """Return `gradient_by_distance` of several cells, each (tokens + 1).

    `plain`: a cell without gates, by the factor on its orthogonal U; `start`: each cell at this project's
    initial weights; `open`: with gate biases that keep the memory; `cut`: that LSTM with no path through the
    candidate. The tokens have the scale of this project's initial embeddings.
    """

    def curve(cell: Cell, factor: float = 1.0, memory: float | None = None, cut: bool = False) -> np.ndarray:
        weights = cells.initial(cell, X, H, np.random.default_rng(0))
        if memory is not None:
            weights.b[H : 2 * H] = memory  # the forget gate's rows in an LSTM, the update gate's in a GRU
        if cut:
            weights.U[2 * H : 3 * H] = 0  # no path through the candidate
        scale = ScaledEmbedding.DEVIATION * math.sqrt(X)
        return gradient_by_distance(cell, weights._replace(U=factor * weights.U), tokens, scale)

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
    """Return the largest difference in h between the two forms of the reset gate, with equal weights."""
    random = np.random.default_rng(0)
    weights = cells.initial(cells.GRU, X, H, random)
    xs, start = random.standard_normal((tokens, 1, X)), (np.zeros((1, H)),)
    after, _, _ = cells.forward(cells.GRU, weights, xs, start)
    before, _, _ = cells.forward(cells.GRU_BEFORE, weights, xs, start)
    return float(np.abs(after - before).max())


def saved_numbers(cell: Cell, X: int, H: int) -> int:
    """Return how many numbers a step on one token saves for its backward step."""
    weights = cells.initial(cell, X, H, np.random.default_rng(0))
    _, saved = cell.step(weights, np.zeros((1, X)), tuple(np.zeros((1, H)) for _ in range(cell.states)))
    return sum(part.size for part in saved)


def half_life(gate: float | np.ndarray) -> float | np.ndarray:
    """Return the steps until half of a memory is left, if the gate stays at this value."""
    return np.log(0.5) / np.log(gate)


def counter(steps: int) -> Weights:
    """Return an LSTM of one unit that counts up at token (1, 0) and down at token (0, 1)."""
    W = np.array([[0, 0], [0, 0], [50.0, -50.0], [0, 0]])
    return Weights(W, np.zeros((4, 1)), np.array([50.0, 50.0, 0, 50.0]), np.zeros(4))


def counted(ups: int, downs: int) -> float:
    """Return the cell state of `counter` after `ups` and `downs` tokens."""
    tokens = np.repeat(np.eye(2), [ups, downs], axis=0)[:, None]  # (ups + downs, 1, 2)
    zero = np.zeros((1, 1))
    _, (_, c), _ = cells.forward(cells.LSTM, counter(ups), tokens, (zero, zero))
    return float(c[0, 0])


def longest_gru_count(z: float) -> int:
    """Return the steps until a float32 GRU unit that rises with this update gate stops changing."""
    z, h, steps = np.float32(z), np.float32(0), 0
    while (new := (1 - z) * np.float32(1) + z * h) != h:
        h, steps = new, steps + 1
    return steps


# Optimizers


class Path(NamedTuple):
    """The weights before and after each step, and their losses."""

    points: np.ndarray  # (steps + 1, ..., 2)
    losses: np.ndarray  # (steps + 1, ...)


class Surface(NamedTuple):
    """A loss over two weights and its gradient (both take (..., 2)), its start and its minimum."""

    loss: Callable[[np.ndarray], np.ndarray]
    gradient: Callable[[np.ndarray], np.ndarray]
    start: tuple[float, float]
    minimum: tuple[float, float]


def ravine(condition: float = 100.0, angle: float = 0.0) -> Surface:
    """Return a quadratic valley of curvature 1 along and `condition` across, turned by `angle` (radians)."""
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    A = turn @ np.diag([1.0, condition]) @ turn.T
    start = turn @ (-10.0, 1.0)
    return Surface(lambda w: 0.5 * ((w @ A) * w).sum(-1), lambda w: w @ A, tuple(start), (0, 0))


def rosenbrock() -> Surface:
    """Return Rosenbrock's bent valley (1960), with its minimum at (1, 1)."""

    def loss(w: np.ndarray) -> np.ndarray:
        return (1 - w[..., 0]) ** 2 + 100 * (w[..., 1] - w[..., 0] ** 2) ** 2

    def gradient(w: np.ndarray) -> np.ndarray:
        across = w[..., 1] - w[..., 0] ** 2
        return np.stack([-2 * (1 - w[..., 0]) - 400 * w[..., 0] * across, 200 * across], -1)

    return Surface(loss, gradient, (-1.5, 1.0), (1, 1))


def descend(name: str, surface: Surface, rates: np.ndarray, steps: int) -> Path:
    """Follow the exact gradient from the start; for rates (...) the points are (steps + 1, ..., 2)."""
    update, rates = OPTIMIZERS[name], np.asarray(rates)[..., None]
    w = np.broadcast_to(np.array(surface.start), (*rates.shape[:-1], 2))
    points, state = [w], None
    with np.errstate(over="ignore", invalid="ignore"):  # rates that are too large
        for _ in range(steps):
            arguments = (w, surface.gradient(w)) if state is None else (w, surface.gradient(w), state)
            w, state = update(*arguments, rate=rates)
            points.append(w)
        points = np.stack(points)
        return Path(points, surface.loss(points))


def settling_step(losses: np.ndarray, share: float = 1e-4) -> np.ndarray:
    """Return the step from which the loss (steps + 1, ...) stays below a share of its start.

    It is steps + 1 if there is none.
    """
    above = ~(losses < share * losses[0])  # NaN counts as above
    return len(losses) - np.argmax(above[::-1], axis=0)


class Search(NamedTuple):
    """The best of the rates tried, its steps, and the smallest and largest rates that converge."""

    rate: float
    steps: int
    lowest: float
    highest: float

    @property
    def band(self) -> float:
        """Return the ratio of the largest to the smallest converging rate."""
        return self.highest / self.lowest


def best_rate(name: str, surface: Surface, steps: int = 3000) -> Search:
    """Search `RATES` for the one that needs the fewest steps, of at most `steps`."""
    needed = settling_step(descend(name, surface, RATES, steps).losses)
    arrive = RATES[needed <= steps]
    return Search(float(RATES[needed.argmin()]), int(needed.min()), float(arrive.min()), float(arrive.max()))


def shrinking_steps(factor: float, times: float = 100) -> float:
    """Return the steps that shrink a distance `times`-fold, if each multiplies it by `factor`."""
    return np.log(times) / -np.log(factor)


def sgd_noise(rate: float) -> float:
    """Return by formula what `noise_floor` measures for SGD, where shrinkage and noise balance."""
    return np.sqrt(rate / (2 - rate))


def saddle_steps(name: str, rate: float = 0.01, start: float = 1e-6) -> int:
    """Return the steps from (1, start) until |w2| > 1/2 on (w1^2 - w2^2) / 2 + w2^4 / 4, a saddle at 0."""
    loss = Surface(
        lambda w: (w[..., 0] ** 2 - w[..., 1] ** 2) / 2 + w[..., 1] ** 4 / 4,
        lambda w: np.stack([w[..., 0], w[..., 1] ** 3 - w[..., 1]], -1),
        (1.0, start),
        (0, 1),
    )
    points = descend(name, loss, np.array(rate), 3000).points
    return int(np.argmax(np.abs(points[:, 1]) > 0.5))


def rare_moves(name: str, every: int = 100, occurrences: int = 100) -> np.ndarray:
    """Return how far each of two weights moves per occurrence of a gradient of 1, in learning rates, (2).

    The first weight's gradient is 1 at every step, the second's at one step in `every` and otherwise 0.
    """
    w, state = np.zeros(2), None
    for t in range(1, every * occurrences + 1):
        g = np.array([1.0, float(t % every == every // 2)])
        w, state = step(name, w, g, state, rate=1.0)
    return -w / (every * occurrences, occurrences)


def noise_floor(name: str, rate: float = 0.01, weights: int = 200, steps: int = 4000) -> float:
    """Return the root mean square distance from the minimum of w^2 / 2, with unit noise on the gradients."""
    random = np.random.default_rng(0)
    w, state, squares = np.zeros(weights), None, []
    for t in range(steps):
        w, state = step(name, w, w + random.standard_normal(weights), state, rate=rate)
        if t >= steps // 2:
            squares.append(np.mean(w**2))
    return float(np.sqrt(np.mean(squares)))


def step_lengths(name: str, steps: int, **settings: float) -> np.ndarray:
    """Return the length of each step, in learning rates, under a gradient that is always 1, (steps)."""
    w, state, lengths = np.zeros(1), None, []
    for _ in range(steps):
        new, state = step(name, w, np.ones(1), state, rate=1.0, **settings)
        lengths.append(float((w - new)[0]))
        w = new
    return np.array(lengths)


def uncorrected_adam_lengths(steps: int, beta1: float = 0.9, beta2: float = 0.999) -> np.ndarray:
    """Return `step_lengths` of Adam without its bias correction, by formula."""
    t = np.arange(1, steps + 1)
    return (1 - beta1**t) / np.sqrt(1 - beta2**t)


def wrong_way(beta2: float) -> float:
    """Return Adam's move over one cycle of 101 gradients, in learning rates, once its state has settled.

    One gradient is 1010, the hundred others are -10 (Reddi et al., 2018). Their sum is 10, so descent should
    move down.
    """
    w, state, before = np.zeros(1), None, 0.0
    cycle = np.array([[1010.0]] + 100 * [[-10.0]])
    for _ in range(int(5 / (1 - beta2) / len(cycle)) + 2):
        before = float(w[0])
        for g in cycle:
            w, state = step("adam", w, g, state, rate=1.0, beta2=beta2)
    return float(w[0]) - before


def step(name: str, w: np.ndarray, g: np.ndarray, state: tuple | None, **settings: float) -> tuple:
    """Take a step with the optimizer `name`; a state of None marks the first step."""
    update = OPTIMIZERS[name]
    return update(w, g, **settings) if state is None else update(w, g, state, **settings)
