"""Training and scores of the models."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spoilers.report.figures.drawing import MODEL_COLOURS, MODEL_MARKERS, legend, stacked
from spoilers.report.names import NAMES

CURVES = {
    "train_loss": "Loss on training",
    "validation_loss": "Loss on validation",
    "average_precision": "Average precision on validation",
}


def training_curves(curves: dict[str, pd.DataFrame]) -> Figure:
    """Draw losses and average precision by epoch: the mean over the seeds, and their range."""
    figure, panels = stacked(3, 7.4, sharex=True)
    for axes, (column, title) in zip(panels, CURVES.items(), strict=True):
        for name, table in curves.items():
            style = {"color": MODEL_COLOURS[name], "marker": MODEL_MARKERS[name], "markersize": 4}
            axes.plot(table["epoch"], table[column], label=NAMES[name], **style)
            low, high = table[f"{column}_low"], table[f"{column}_high"]
            axes.fill_between(table["epoch"], low, high, color=style["color"], alpha=0.15, linewidth=0)
        axes.set(title=title)
    panels[-1].set(xlabel="epoch")
    legend(figure, panels[0])
    return figure


def seeds(trainings: dict[str, list[dict]]) -> Figure:
    """Draw each training's average precision as a dot, with a row per seed, and the means as lines."""
    rows = [one["seed"] for one in next(iter(trainings.values()))]
    figure, (axes,) = stacked(1, 1.6 + 0.36 * len(rows))
    pairs = zip(*([one["average_precision"] for one in of] for of in trainings.values()), strict=True)
    for row, scores in enumerate(pairs):
        axes.plot(scores, [row] * len(scores), color="0.6", linewidth=1.2, zorder=1)
    for name, of_network in trainings.items():
        scores = [one["average_precision"] for one in of_network]
        colour = MODEL_COLOURS[name]
        axes.scatter(
            scores,
            range(len(rows)),
            55,
            color=colour,
            marker=MODEL_MARKERS[name],
            label=NAMES[name],
            zorder=3,
        )
        axes.axvline(
            float(np.mean(scores)), color=colour, linestyle="--" if name == "gru" else "-", linewidth=1.2
        )
    axes.set(
        yticks=range(len(rows)), yticklabels=[f"seed {seed}" for seed in rows], ylim=(-0.6, len(rows) - 0.4)
    )
    axes.set(xlabel="average precision on the test reviews")
    axes.invert_yaxis()
    legend(figure, axes)
    return figure


def comparison(evaluation: dict[str, dict], prevalence: float) -> Figure:
    """Draw every model's average precision and interval, with its name above."""
    figure, (axes,) = stacked(1, 0.9 + 0.52 * len(evaluation))
    for row, (name, scores) in enumerate(evaluation.items()):
        middle = scores["average_precision"]
        sides = np.maximum([[middle - scores["low"]], [scores["high"] - middle]], 0)
        style = {"color": MODEL_COLOURS[name], "marker": MODEL_MARKERS[name]}
        axes.errorbar(middle, row, xerr=sides, capsize=4, **style)
        axes.text(0.01, row - 0.36, f"{NAMES[name]}: {middle:.3f}", va="center", bbox=BEHIND)
    axes.axvline(prevalence, color="0.4", linestyle=":")
    axes.set(yticks=[], xlim=(0, 1), ylim=(len(evaluation) - 0.5, -0.8), xlabel="average precision")
    axes.grid(axis="y", visible=False)
    return figure


BEHIND = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}  # keeps lines out of a text


def f1_by_threshold(tables: dict[str, pd.DataFrame], thresholds: dict[str, float]) -> Figure:
    """Draw F1 against the threshold, and mark the threshold in use."""
    figure, (axes,) = stacked(1, 3.6)
    for (name, table), line in zip(tables.items(), ("-", "--", "-.", ":"), strict=False):
        axes.plot(table["threshold"], table["f1"], line, color=MODEL_COLOURS[name], label=NAMES[name])
        used = float(np.interp(thresholds[name], table["threshold"], table["f1"]))
        mark(axes, name, thresholds[name], used)
    axes.set(xlabel="threshold", ylabel="F1", xlim=(0, 1), ylim=(0, None))
    legend(figure, axes, 1)
    return figure


def mark(axes: Axes, name: str, x: float, y: float) -> None:
    """Draw a model's marker, above the lines."""
    axes.plot(
        x, y, MODEL_MARKERS[name], color=MODEL_COLOURS[name], markersize=8, markeredgecolor="black", zorder=5
    )
