"""Style the figures of the theory pages, and save them."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spoilers.core.files import replacing

# Okabe and Ito's palette, which colour-blind readers can tell apart; lines differ in style too.
BLACK, SKY, BLUE = "#000000", "#56B4E9", "#0072B2"
VERMILLION, GREEN, ORANGE = "#D55E00", "#009E73", "#E69F00"
GREY = "#555555"  # remarks
WIDTH = 5.2  # inches, for every figure: on a phone 390 pixels wide, 10-point text is then 9.5 pixels
CELLS = {
    "plain": {"color": BLACK, "linestyle": ":", "label": "no gates"},
    "LSTM": {"color": BLUE, "linestyle": "-", "label": "LSTM"},
    "GRU": {"color": VERMILLION, "linestyle": "--", "label": "GRU"},
}
OPTIMIZERS = {
    "sgd": {"color": BLACK, "linestyle": ":", "label": "SGD"},
    "momentum": {"color": ORANGE, "linestyle": "-", "label": "Momentum"},
    "rmsprop": {"color": GREEN, "linestyle": "--", "label": "RMSprop"},
    "adam": {"color": BLUE, "linestyle": "-.", "label": "Adam"},
}


def figure(height: float, rows: int = 1, columns: int = 1, **options) -> tuple[Figure, Axes]:
    """Return a phone-sized figure (height in inches) and its axes."""
    drawn = Figure(figsize=(WIDTH, height))
    return drawn, drawn.subplots(rows, columns, **options)


def save(drawn: Figure, path: Path) -> None:
    """Write a figure as SVG, whose bytes depend on the figure alone."""
    with replacing(path) as partial:
        drawn.savefig(partial, format="svg", metadata={"Date": None})
