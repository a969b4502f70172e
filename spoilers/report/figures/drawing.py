"""How every figure looks, and how it is written."""

from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from spoilers.report.style import STYLE

MODEL_COLOURS = {
    "lstm": "C0",
    "gru": "C1",
    "tfidf": "C2",
    "tfidf_sentences": "C5",
    "length": "C3",
    "majority": "C6",
}
OPTIMIZER_COLOURS = {"sgd": "C6", "momentum": "C4", "rmsprop": "C2", "adam": "C0"}
CLASS_COLOURS = {"no spoiler": "C5", "spoiler": "C4"}
MARKERS = {"sgd": "o", "momentum": "s", "rmsprop": "^", "adam": "D"}
LINES = {"sgd": (0, (1, 1)), "momentum": "--", "rmsprop": "-.", "adam": "-"}


def optimizer_style(name: str) -> dict:
    """Colour, marker and kind of line: any one of them tells the optimizers apart, in print as well."""
    return {"color": OPTIMIZER_COLOURS[name], "marker": MARKERS[name], "linestyle": LINES[name]}


def draw(path: Path, figure: Callable[..., Figure], *arguments) -> None:
    """Save a figure as SVG, without the date, so that equal numbers give equal bytes."""
    with plt.style.context(STYLE):
        drawn = figure(*arguments)
        drawn.savefig(path.with_suffix(".svg"), metadata={"Date": None})
        plt.close(drawn)
