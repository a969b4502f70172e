"""Draw how well each model ranks the test reviews, and how well it is calibrated."""

import pandas as pd
from matplotlib.figure import Figure

from spoilers.report.figures.drawing import MODEL_COLOURS, legend, stacked
from spoilers.report.names import NAMES

LINES = ("-", "--", "-.", ":")  # tell the models apart without colour


def precision_recall(tables: dict[str, pd.DataFrame], prevalence: float) -> Figure:
    """Draw precision against recall, with intervals."""
    figure, (axes,) = stacked(1, 4.4)
    for (name, table), line in zip(tables.items(), LINES, strict=False):
        colour = MODEL_COLOURS[name]
        axes.fill_between(
            table["recall"], table["low"], table["high"], color=colour, alpha=0.13, step="pre", linewidth=0
        )
        axes.plot(
            table["recall"], table["precision"], line, color=colour, label=NAMES[name], drawstyle="steps-pre"
        )
    axes.axhline(prevalence, color="0.4", linewidth=1, label="chance")
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    legend(figure, axes, 1)
    return figure


def calibration(models: dict[str, list[dict]], prevalence: float) -> Figure:
    """Draw the share of spoilers against the predicted probability, bin by bin."""
    figure, (axes,) = stacked(1, 4.6)
    for (name, bins), line in zip(models.items(), LINES, strict=False):
        predicted, observed = ([row[key] for row in bins] for key in ("predicted", "observed"))
        sizes = [12 + 200 * row["reviews"] / sum(row["reviews"] for row in bins) for row in bins]
        axes.plot(predicted, observed, line, color=MODEL_COLOURS[name], label=NAMES[name])
        axes.scatter(predicted, observed, sizes, color=MODEL_COLOURS[name], alpha=0.8)
    axes.plot([0, 1], [0, 1], color="0.4", linewidth=1, label="taken at their word")
    axes.axhline(prevalence, color="0.6", linewidth=1, linestyle=":", label="share of spoilers")
    axes.set(xlabel="predicted probability of a spoiler", ylabel="share that are spoilers")
    axes.set(xlim=(0, 1), ylim=(0, 1.02))
    legend(figure, axes, 1)
    return figure
