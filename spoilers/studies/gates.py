"""The gate activations of the trained networks over one review."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from torch import nn

from spoilers.models.network import SpoilerRNN
from spoilers.text.reviews import Reviews

TOKENS = 40  # a review of about this length fits a figure with its words
GATES = {"lstm": ("input", "forget", "output"), "gru": ("reset", "update")}
KEEPING = {"lstm": "forget", "gru": "update"}  # the gates that hold a memory


def sigmoid(sums: np.ndarray | float) -> np.ndarray | float:
    """Return the logistic function without overflow, whatever the sign."""
    return 0.5 * (1 + np.tanh(0.5 * sums))


START = {"lstm": sigmoid(1.0), "gru": 0.5}  # their values before training: the forget bias is 1


def choose_review(blocks: Iterator[Reviews], called: np.ndarray) -> tuple[Reviews, int, dict[str, int]]:
    """Return the review to show, its row among all, and which criteria it meets.

    The best is a spoiler that every network calls one and that has unflagged sentences too; next comes one
    that every network calls a spoiler, then any spoiler. Among equals, the one whose length is closest to
    `TOKENS` wins, then the first. Besides the current block, one review is in memory.

    Args:
        blocks: the test reviews, a block at a time.
        called: whether every network calls a review a spoiler, bool (all reviews).
    """
    best, chosen, start = None, None, 0
    for block in blocks:
        here = called[start : start + len(block)]
        unflagged = block.review_of_sentence[block.sentence_labels == 0]
        quiet = np.bincount(unflagged, minlength=len(block)) > 0
        granted = np.where(block.labels > 0, here.astype(int) + (here & quiet), -1)  # -1: no spoiler
        row = np.lexsort((np.abs(block.lengths - TOKENS), -granted))[0]
        rank = (-granted[row], abs(block.lengths[row] - TOKENS))
        if best is None or rank < best:
            best, chosen = rank, (block.choose(np.array([row])), start + int(row))
        start += len(block)
    called_right, other_sentences = int(best[0] <= -1), int(best[0] == -2)
    return *chosen, {"called_right": called_right, "other_sentences_too": other_sentences}


def activations(cell: str, model: SpoilerRNN, ids: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return each gate (tokens, units) and the states (tokens, units) of the first forward layer.

    PyTorch computes the gates inside its kernels, so they are recomputed here, in float64.
    """
    layer = model.rnn.forwards[0]
    words = model.embedding.weight.detach().double().cpu().numpy()
    inputs = model.embedding.scale * words[ids]  # (tokens, size)
    step = lstm_step if cell == "lstm" else gru_step
    W, U, b, d = weights_of(layer)
    h = c = np.zeros(layer.hidden_size)
    gates, states = [], []
    for x in inputs:
        values, h, c = step(W @ x + b, U @ h + d, h, c)
        gates.append(values)
        states.append(h)
    return dict(zip(GATES[cell], np.stack(gates, axis=1), strict=True)), np.stack(states)


def weights_of(layer: nn.Module) -> list[np.ndarray]:
    """Return a layer's input weights, recurrent weights and two biases."""
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    return [getattr(layer, name).detach().double().cpu().numpy() for name in names]


def lstm_step(from_x: np.ndarray, from_h: np.ndarray, h: np.ndarray, c: np.ndarray) -> tuple:
    """Return the gates (input, forget, output), the new state and the new cell state (units)."""
    i, f, g, o = np.split(from_x + from_h, 4)
    i, f, o = sigmoid(i), sigmoid(f), sigmoid(o)
    c = f * c + i * np.tanh(g)
    return (i, f, o), o * np.tanh(c), c


def gru_step(from_x: np.ndarray, from_h: np.ndarray, h: np.ndarray, c: np.ndarray) -> tuple:
    """Return the gates (reset, update), the new state, and `c` unchanged: a GRU has no cell state."""
    (r_x, z_x, n_x), (r_h, z_h, n_h) = np.split(from_x, 3), np.split(from_h, 3)
    r, z = sigmoid(r_x + r_h), sigmoid(z_x + z_h)
    return (r, z), (1 - z) * np.tanh(n_x + r * n_h) + z * h, c


def summary(cell: str, gate: str, values: np.ndarray) -> dict:
    """Return the mean of one gate (tokens, units), how often it is shut or open, and its half-life."""
    row = {
        "model": cell,
        "gate": gate,
        "mean": float(values.mean()),
        "shut": float((values < 0.1).mean()),
        "open": float((values > 0.9).mean()),
    }
    if KEEPING[cell] == gate:
        kept = np.exp(np.log(values).mean(axis=0))  # for each unit: the constant gate that keeps as much
        half_lives = half_life(kept)
        row |= {
            "median_half_life": float(np.median(half_lives)),
            "longest_half_life": float(half_lives.max()),
            "half_life_at_start": float(half_life(START[cell])),
        }
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in row.items()}


def half_life(gate: float | np.ndarray) -> float | np.ndarray:
    """Return the steps after which a gate with this constant value has kept half of a memory."""
    return np.log(0.5) / np.log(gate)


def long_table(cell: str, gate: str, values: np.ndarray) -> pa.Table:
    """Return a table with a row for each token and unit, from values (tokens, units)."""
    token, unit = np.indices(values.shape)
    return pa.table(
        {
            "model": pa.array([cell] * values.size).dictionary_encode(),
            "gate": pa.array([gate] * values.size).dictionary_encode(),
            "token": token.ravel().astype(np.int32) + 1,
            "unit": unit.ravel().astype(np.int32) + 1,
            "value": values.ravel().astype(np.float32),
        }
    )
