"""How the theory's figures look, and how they are written."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.files import replacing

# Okabe and Ito's palette, which colour-blind readers can tell apart; lines differ in kind too.
BLACK, SKY, BLUE = "#000000", "#56B4E9", "#0072B2"
VERMILLION, GREEN, ORANGE = "#D55E00", "#009E73", "#E69F00"
GREY = "#555555"  # remarks
CONFIGURATION = {
    "font.size": 9,
    "axes.titlesize": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "figure.constrained_layout.use": True,
    "savefig.facecolor": "white",
    "svg.fonttype": "path",
    "svg.hashsalt": "theory",
}
CELLS = {
    "plain": {"color": BLACK, "linestyle": ":", "label": "no gates"},
    "LSTM": {"color": BLUE, "linestyle": "-", "label": "LSTM"},
    "GRU": {"color": VERMILLION, "linestyle": "--", "label": "GRU"},
}
OPTIMIZERS = {
    "sgd": {"color": BLACK, "linestyle": ":", "label": "SGD"},
    "momentum": {"color": BLUE, "linestyle": "-", "label": "Momentum"},
    "rmsprop": {"color": VERMILLION, "linestyle": "--", "label": "RMSprop"},
    "adam": {"color": GREEN, "linestyle": "-.", "label": "Adam"},
}


def figure(height: float, rows: int = 1, columns: int = 1, **options) -> tuple[Figure, Axes]:
    """A figure as wide as a page, and its axes."""
    drawn = Figure(figsize=(7.2, height))
    return drawn, drawn.subplots(rows, columns, **options)


def save(drawn: Figure, path: Path) -> None:
    """Write an SVG whose bytes depend on the figure alone."""
    with replacing(path) as partial:
        drawn.savefig(partial, format="svg", metadata={"Date": None})
