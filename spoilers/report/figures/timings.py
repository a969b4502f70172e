"""Draw wall-clock times, which vary by run and so stay apart from the rest."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from spoilers.report.figures.drawing import (
    MODEL_COLOURS,
    MODEL_MARKERS,
    legend,
    optimizer_style,
    plain_ticks,
    stacked,
)
from spoilers.report.names import NAMES


def optimizers(runs: pd.DataFrame, times: list[dict], goals: dict[str, float]) -> Figure:
    """Draw loss and score against seconds at each optimizer's best rate, with lines at the `goals`."""
    figure, (loss, precision) = stacked(2, 6, sharex=True)
    for entry in times:
        table = runs[(runs["choice"] == "best") & (runs["optimizer"] == entry["optimizer"])]
        style = optimizer_style(entry["optimizer"])
        for axes, column in ((loss, "train_loss"), (precision, "average_precision")):
            values = table.groupby("epoch")[column].mean()
            seconds = entry["seconds_at_evaluations"][: len(values)]
            axes.plot(seconds, values, label=NAMES[entry["optimizer"]], markersize=4, **style)
    for goal in goals.values():
        precision.axhline(goal, color="0.5", linestyle=":", linewidth=1)
    loss.set(title="Loss on training")
    precision.set(title="Average precision on validation", xlabel="seconds")
    legend(figure, precision)
    return figure


def quality_and_cost(scores: dict[str, dict], seconds: dict[str, float], speeds: dict[str, float]) -> Figure:
    """Draw average precision with its interval against training time and inference speed."""
    figure, panels = stacked(2, 6, sharey=True)
    for axes, costs in zip(panels, (seconds, speeds), strict=True):
        for name, cost in costs.items():
            middle = scores[name]["average_precision"]
            sides = np.maximum([[middle - scores[name]["low"]], [scores[name]["high"] - middle]], 0)
            style = {"color": MODEL_COLOURS[name], "marker": MODEL_MARKERS[name], "capsize": 4}
            axes.errorbar(cost, middle, yerr=sides, linestyle="none", label=NAMES[name], **style)
        axes.set(xscale="log", ylabel="average precision, test")
        plain_ticks(axes.xaxis, 2, 5)
        axes.margins(x=0.25)
    panels[0].set(title="Quality against time of training", xlabel="seconds of training")
    panels[1].set(title="Quality against speed of reading", xlabel="tokens per second")
    legend(figure, panels[0], 1)
    return figure
