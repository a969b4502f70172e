"""Draw the optimizer study. Each optimizer keeps one colour, one marker and one line style."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spoilers.report.figures.drawing import draw, legend, optimizer_style, plain_ticks, stacked
from spoilers.report.figures.models import CURVES
from spoilers.report.names import LAYERS, NAMES


def draw_all(folder: Path, grid: pd.DataFrame, runs: pd.DataFrame, study: dict, clip_norm: float) -> None:
    """Draw every figure of the study; `study` is data/results/sweep.json."""
    best = runs[runs["choice"] == "best"]
    draw(folder / "sensitivity", sensitivity, grid, study)
    draw(folder / "optimizers", optimizers, best, study["study"]["prevalence"])
    draw(folder / "effective_steps", effective_steps, best)
    draw(folder / "gradient_norms", gradient_norms, best, clip_norm)


def sensitivity(grid: pd.DataFrame, study: dict) -> Figure:
    """Draw average precision against the learning rate by optimizer, with diverged rates below."""
    figure, (axes,) = stacked(1, 5)
    prevalence = study["study"]["prevalence"]
    lowest = np.nanmin([prevalence, *grid["lowest"]])
    height = np.nanmax([prevalence + 0.01, *grid["highest"]]) - lowest
    level = lowest
    for name, table in grid.groupby("optimizer", sort=False):
        style = optimizer_style(name)
        good, bad = table[table["diverged"] == 0], table[table["diverged"] == 1]
        axes.plot(good["learning_rate"], good["average_precision"], label=NAMES[name], **style)
        band = {"color": style["color"], "alpha": 0.15, "linewidth": 0}
        axes.fill_between(good["learning_rate"], good["lowest"], good["highest"], **band)
        if len(bad):  # one row per optimizer, so that crosses at one rate do not hide each other
            level -= 0.09 * height
            axes.plot(bad["learning_rate"], np.full(len(bad), level), "x", color=style["color"], markersize=8)
            at = {"transform": axes.get_yaxis_transform(), "va": "center"}
            axes.text(0.01, level, f"{NAMES[name]} diverged", **at)
    axes.axhline(prevalence, color="0.5", linewidth=1, label="chance")
    axes.axvline(study["shared"][0]["learning_rate"], color="0.3", linestyle=":", linewidth=1.2)
    axes.set(xscale="log", xlabel="learning rate", ylabel="average precision, validation")
    axes.set(ylim=(level - 0.09 * height, None))
    plain_ticks(axes.xaxis)
    legend(figure, axes)
    return figure


def optimizers(best: pd.DataFrame, prevalence: float) -> Figure:
    """Draw losses and average precision by epoch, each optimizer at its best rate."""
    figure, panels = stacked(len(CURVES), 7.6, sharex=True)
    for axes, (column, title) in zip(panels, CURVES.items(), strict=True):
        draw_means(axes, best, column)
        axes.set(title=title)
    panels[-1].axhline(prevalence, color="0.5", linewidth=1, label="chance")
    finish(figure, panels)
    return figure


def effective_steps(best: pd.DataFrame) -> Figure:
    """Draw the ratio of update length to gradient length, by group of weights."""
    figure, panels = stacked(len(LAYERS), 7.6, sharex=True, sharey=True)
    for axes, layer in zip(panels, LAYERS, strict=True):
        draw_means(axes, best, f"effective_step_{layer}")
        axes.set(title=f"{layer.capitalize()} weights", yscale="log", ylabel="update / gradient")
        plain_ticks(axes.yaxis, 3)
    finish(figure, panels)
    return figure


def gradient_norms(best: pd.DataFrame, clip_norm: float) -> Figure:
    """Draw the gradient norm before clipping, and the share of clipped steps."""
    figure, (norms, clipped) = panels = stacked(2, 5.8, sharex=True)
    draw_means(norms, best, "gradient_norm")
    norms.axhline(clip_norm, color="0.5", linewidth=1, label="clipped above")
    draw_means(clipped, best, "clipped")
    norms.set(title="Gradient norm before clipping", yscale="log")
    plain_ticks(norms.yaxis, 3)
    clipped.set(title="Share of clipped steps", ylim=(-0.03, 1.03))
    finish(figure, panels[1], of=norms)
    return figure


def draw_means(axes: Axes, runs: pd.DataFrame, column: str) -> None:
    """Draw a line for each optimizer: the mean over the seeds, with a band from the lowest to the highest."""
    for name, table in runs.groupby("optimizer", sort=False):
        style = optimizer_style(name)
        values = table.groupby("epoch")[column].agg(["mean", "min", "max"])
        axes.plot(values.index, values["mean"], label=NAMES[name], markersize=4, **style)
        band = {"color": style["color"], "alpha": 0.12, "linewidth": 0}
        axes.fill_between(values.index, values["min"], values["max"], **band)


def finish(figure: Figure, panels: list[Axes], of: Axes | None = None) -> None:
    """Label the shared epoch axis and draw the legend, by default that of the last chart."""
    panels[-1].set(xlabel="epoch")
    panels[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    legend(figure, of or panels[-1])
