"""What the gates of a trained model do over one review, by the reference cells."""

import numpy as np

from spoilers.models.network import SpoilerRNN
from spoilers.theory import cells
from spoilers.theory.cells import Weights
from spoilers.theory.trials import half_life

TOKENS = 40  # a review of about this length fits a figure with its words
# Each cell, and where its gates stand in what one of its steps keeps.
CELLS = {
    "lstm": (cells.LSTM, {"input": 3, "forget": 4, "output": 6}),
    "gru": (cells.GRU, {"reset": 2, "update": 3}),
}
KEEPING = {"lstm": "forget", "gru": "update"}  # the gates that hold a memory
START = {"lstm": cells.sigmoid(1.0), "gru": 0.5}  # what they are before training: the forget bias is 1


def choose(labels: np.ndarray, lengths: np.ndarray, *wishes: np.ndarray) -> tuple[int, int]:
    """The spoiler review whose length is closest to `TOKENS`, of those that grant the most wishes.

    Labels and wishes (reviews) are yes or no; a later wish counts only where the earlier ones are
    granted. Of equals the first. Returns its row and how many wishes, from the first on, it grants.
    """
    chosen, granted = labels.astype(bool), 0
    for wish in wishes:
        if not (chosen & wish).any():
            break
        chosen, granted = chosen & wish, granted + 1
    rows = np.flatnonzero(chosen)
    return int(rows[np.abs(lengths[rows] - TOKENS).argmin()]), granted


def activations(cell: str, model: SpoilerRNN, ids: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Each gate (tokens, units) and the states (tokens, units) of the first layer, reading forwards."""
    layer = model.forwards[0]
    weights = Weights(*(weight.detach().double().cpu().numpy() for weight in layer.parameters()))
    xs = model.embedding.weight.detach().double().cpu().numpy()[ids][:, None]  # (T, 1, X)
    reference, places = CELLS[cell]
    start = tuple(np.zeros((1, layer.hidden_size)) for _ in range(reference.states))
    states, _, kept = cells.forward(reference, weights, xs, start)
    gates = {name: np.stack([step[place][0] for step in kept]) for name, place in places.items()}
    return gates, states[:, 0]


def summary(cell: str, gate: str, values: np.ndarray) -> dict:
    """Of one gate (tokens, units): its mean, how often it is shut or open, and how long it keeps."""
    row = {
        "model": cell,
        "gate": gate,
        "mean": float(values.mean()),
        "shut": float((values < 0.1).mean()),
        "open": float((values > 0.9).mean()),
    }
    if KEEPING[cell] == gate:
        kept = np.exp(np.log(values).mean(axis=0))  # of each unit: the gate that keeps as much on average
        half_lives = half_life(kept)
        row |= {
            "median_half_life": float(np.median(half_lives)),
            "longest_half_life": float(half_lives.max()),
            "half_life_at_start": float(half_life(START[cell])),
        }
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in row.items()}
