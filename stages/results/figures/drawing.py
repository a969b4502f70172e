"""How every figure looks, and how it is written."""

from collections.abc import Callable
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

STYLE = Path(__file__).with_name("style.mplstyle")
MODEL_COLOURS = {
    "lstm": "C0",
    "gru": "C1",
    "gru_matched": "C4",
    "tfidf": "C2",
    "length": "C3",
    "majority": "C6",
}
OPTIMIZER_COLOURS = {"sgd": "C6", "momentum": "C4", "rmsprop": "C2", "adam": "C0"}
MARKERS = {"sgd": "o", "momentum": "s", "rmsprop": "^", "adam": "D"}


def draw(path: Path, figure: Callable[..., Figure], *arguments) -> None:
    """Save a figure as SVG and PNG, without the date, so that equal numbers give equal bytes."""
    with plt.style.context(STYLE):
        drawn = figure(*arguments)
        drawn.savefig(path.with_suffix(".svg"), metadata={"Date": None})
        drawn.savefig(path.with_suffix(".png"), metadata={"Software": None})
        plt.close(drawn)
