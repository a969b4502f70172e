"""Style the figures, and save them."""

from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from spoilers.report.style import STYLE

WIDTH = 5.2  # inches, for every figure: on a phone 390 pixels wide, 10-point text is then 9.5 pixels
MODEL_COLOURS = {
    "lstm": "C0",
    "gru": "C1",
    "tfidf": "C2",
    "tfidf_sentences": "C5",
    "length": "C3",
    "majority": "C6",
}
MODEL_MARKERS = {
    "lstm": "o",
    "gru": "s",
    "tfidf": "^",
    "tfidf_sentences": "v",
    "length": "D",
    "majority": "X",
}
OPTIMIZER_COLOURS = {"sgd": "C6", "momentum": "C4", "rmsprop": "C2", "adam": "C0"}
CLASS_COLOURS = {"no spoiler": "C5", "spoiler": "C4"}
MARKERS = {"sgd": "o", "momentum": "s", "rmsprop": "^", "adam": "D"}
LINES = {"sgd": (0, (1, 1)), "momentum": "--", "rmsprop": "-.", "adam": "-"}


def optimizer_style(name: str) -> dict:
    """Return colour, marker and line style: each alone tells the optimizers apart, in print as well."""
    return {"color": OPTIMIZER_COLOURS[name], "marker": MARKERS[name], "linestyle": LINES[name]}


def stacked(rows: int, height: float, **options) -> tuple[Figure, list[Axes]]:
    """Return a figure of stacked charts, narrow enough for a phone, and the charts.

    The height is in inches.
    """
    figure, axes = plt.subplots(rows, 1, figsize=(WIDTH, height), squeeze=False, **options)
    return figure, list(axes[:, 0])


def legend(figure: Figure, axes: Axes, columns: int = 2) -> None:
    """Draw the legend of one chart below all charts of a figure."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower center", ncols=columns)


def plain_ticks(axis: Axis, *subs: float) -> None:
    """Label a logarithmic axis with plain numbers, at powers of ten times 1 and `subs`."""
    axis.set_major_locator(LogLocator(subs=(1.0, *subs)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axis.set_minor_formatter(NullFormatter())


def draw(path: Path, figure: Callable[..., Figure], *arguments) -> None:
    """Save a figure as SVG, with text as text and no date, so that equal numbers give equal bytes."""
    with plt.style.context([STYLE, {"svg.fonttype": "none"}]):
        drawn = figure(*arguments)
        drawn.savefig(path.with_suffix(".svg"), metadata={"Date": None})
        plt.close(drawn)
