"""The optimizer study."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from stages.results.figures.drawing import MARKERS, OPTIMIZER_COLOURS
from stages.results.names import NAMES


def sensitivity(grid: pd.DataFrame, prevalence: float) -> Figure:
    """Average precision against the learning rate, one line per optimizer."""
    figure, axes = plt.subplots(figsize=(6.4, 3.8))
    for name, table in grid.groupby("optimizer", sort=False):
        colour = OPTIMIZER_COLOURS[name]
        good = table[table["diverged"] == 0]
        axes.plot(
            good["learning_rate"],
            good["average_precision"],
            marker=MARKERS[name],
            color=colour,
            label=NAMES[name],
        )
        axes.fill_between(good["learning_rate"], good["lowest"], good["highest"], color=colour, alpha=0.15)
        bad = table[table["diverged"] == 1]
        axes.plot(bad["learning_rate"], np.full(len(bad), prevalence), "x", color=colour, markersize=10)
    axes.axhline(prevalence, color="0.5", linestyle=":", label="prevalence")
    axes.set(xscale="log", xlabel="learning rate", ylabel="average precision on validation")
    axes.set(title="How much each optimizer depends on its learning rate (x: diverged)")
    axes.legend()
    return figure


def optimizers(loss: pd.DataFrame, precision: pd.DataFrame, best: list[dict]) -> Figure:
    """Loss and score by epoch, each optimizer at its best rate."""
    figure, panels = plt.subplots(1, 2, figsize=(9, 3.4))
    for axes, table in zip(panels, (loss, precision), strict=True):
        for entry in best:
            name = entry["optimizer"]
            label = f"{NAMES[name]} ({entry['learning_rate']:g})"
            axes.plot(
                table["epoch"],
                table[name],
                marker=MARKERS[name],
                color=OPTIMIZER_COLOURS[name],
                label=label,
            )
        axes.set(xlabel="epoch")
    panels[0].set(title="Training loss, each at its best learning rate")
    panels[1].set(title="Average precision on validation")
    panels[1].legend()
    return figure
