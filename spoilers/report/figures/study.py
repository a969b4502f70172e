"""The optimizer study. An optimizer has one colour, one marker and one kind of line in all of them."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spoilers.report.figures.drawing import draw, optimizer_style
from spoilers.report.names import LAYERS, NAMES


def draw_all(folder: Path, grid: pd.DataFrame, runs: pd.DataFrame, study: dict, clip_norm: float) -> None:
    """Draw every figure of the study; `study` is data/results/sweep.json."""
    draw(folder / "sensitivity", sensitivity, grid, study)
    draw(folder / "optimizers", optimizers, runs, study)
    draw(folder / "differences", differences, study)
    draw(folder / "effective_steps", effective_steps, runs, study)
    draw(folder / "gradient_norms", gradient_norms, runs, study, clip_norm)


def sensitivity(grid: pd.DataFrame, study: dict) -> Figure:
    """Average precision against the learning rate, one line per optimizer; the lowest row: diverged."""
    figure, axes = plt.subplots(figsize=(9, 4.2))
    prevalence, shared = study["study"]["prevalence"], study["shared"][0]["learning_rate"]
    best = {entry["optimizer"]: entry for entry in study["best"]}
    lowest = np.nanmin([prevalence, *grid["lowest"]])
    height = np.nanmax([prevalence + 0.01, *grid["highest"]]) - lowest
    names = list(grid["optimizer"].unique())
    for row, (name, table) in enumerate(grid.groupby("optimizer", sort=False)):
        style = optimizer_style(name)
        good, bad = table[table["diverged"] == 0], table[table["diverged"] == 1]
        axes.plot(good["learning_rate"], good["average_precision"], label=NAMES[name], **style)
        axes.fill_between(
            good["learning_rate"], good["lowest"], good["highest"], color=style["color"], alpha=0.12
        )
        if name in best:
            point = (best[name]["learning_rate"], best[name]["validation_average_precision"])
            axes.plot(*point, style["marker"], color=style["color"], markersize=13, fillstyle="none")
        # Each optimizer has a row of its own, so that crosses at one rate do not hide each other.
        level = lowest - height * (0.08 + 0.06 * row)
        axes.plot(bad["learning_rate"], np.full(len(bad), level), "x", color=style["color"], markersize=8)
        if len(bad):
            place = (bad["learning_rate"].min(), level)
            look = {"ha": "right", "va": "center", "fontsize": "small"}
            axes.annotate(f"{NAMES[name]} diverged", place, (-9, 0), textcoords="offset points", **look)
    axes.axhline(prevalence, color="0.5", linestyle=":", label=f"chance ({prevalence:.3f})")
    axes.axvline(shared, color="0.5", linewidth=0.9, label="the shared rate")
    axes.set(xscale="log", xlabel="learning rate", ylabel="average precision on validation")
    axes.set(ylim=(lowest - height * (0.1 + 0.06 * len(names)), None))
    axes.set(title="Score against learning rate (large mark: best; cross: diverged; band: seeds)")
    figure.legend(loc="outside right center")
    return figure


def optimizers(runs: pd.DataFrame, study: dict) -> Figure:
    """Losses and score by epoch: at the one shared rate above, each at its best rate below."""
    figure, panels = plt.subplots(2, 3, figsize=(10.5, 6.2), sharex=True, sharey="col")
    columns = {
        "train_loss": "Training loss",
        "validation_loss": "Validation loss",
        "average_precision": "Average precision, validation",
    }
    rate = f"{study['shared'][0]['learning_rate']:g}"
    rows = {"shared": f"all at the rate {rate}", "best": "each at its best rate"}
    for row, (choice, title) in zip(panels, rows.items(), strict=True):
        row[0].set_ylabel(title, fontweight="bold")
        for axes, column in zip(row, columns, strict=True):
            draw_means(axes, runs[runs["choice"] == choice], "epoch", column, bands=True)
        row[2].axhline(study["study"]["prevalence"], color="0.5", linestyle=":", label="chance")
    for axes, title in zip(panels[0], columns.values(), strict=True):
        axes.set(title=title)
    for axes in panels[1]:
        axes.set(xlabel="epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
    panels[1, 2].axhline(study["study"]["goal"], color="0.3", linewidth=0.9, label="converged")
    legend(figure, panels, study)
    return figure


def draw_means(axes: Axes, runs: pd.DataFrame, x: str, y: str, bands: bool = False) -> None:
    """One line per optimizer, the mean over seeds; with bands, from the lowest seed to the highest."""
    for name, table in runs.groupby("optimizer", sort=False):
        style = optimizer_style(name)
        values = table.groupby(x)[y].agg(["mean", "min", "max"])
        axes.plot(values.index, values["mean"], label=NAMES[name], **style)
        if bands:
            axes.fill_between(values.index, values["min"], values["max"], color=style["color"], alpha=0.12)


def legend(figure: Figure, panels: np.ndarray, study: dict) -> None:
    """One legend for all panels, with each optimizer's best rate."""
    handles = {}
    for axes in panels.flat:
        handles.update(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    rates = {NAMES[entry["optimizer"]]: f" (best: {entry['learning_rate']:g})" for entry in study["best"]}
    labels = [label + rates.get(label, "") for label in handles]
    figure.legend(handles.values(), labels, loc="outside lower center", ncols=max(len(labels), 1) // 2 + 1)


def differences(study: dict) -> Figure:
    """Test scores at the best rates, and their paired differences with Holm's intervals."""
    best, pairs = study["best"], study["differences"]
    figure, (scores, gaps) = plt.subplots(1, 2, figsize=(10.5, 3.2), width_ratios=(1, 1))
    for row, entry in enumerate(best[::-1]):
        style = optimizer_style(entry["optimizer"])
        middle, sd = entry["test_average_precision"], entry["test_average_precision_sd"]
        scores.errorbar(middle, row, xerr=sd, capsize=4, color=style["color"], fmt=style["marker"])
        scores.annotate(f"{middle:.3f}", (middle, row), (0, 7), textcoords="offset points", ha="center")
    labels = [f"{NAMES[entry['optimizer']]} ({entry['learning_rate']:g})" for entry in best[::-1]]
    scores.set(yticks=range(len(best)), yticklabels=labels, ylim=(-0.5, max(len(best), 1) - 0.3))
    scores.set(title="Test average precision (bar: sd of seeds)")
    for row, pair in enumerate(pairs[::-1]):
        middle, shown = pair["average_precision"], pair["shown"]
        sides = np.maximum([[middle - pair["low"]], [pair["high"] - middle]], 0)
        filled = "full" if shown else "none"
        gaps.errorbar(middle, row, xerr=sides, capsize=4, color="0.15", fmt="o", fillstyle=filled)
    labels = [f"{NAMES[p['first']]} \N{MINUS SIGN} {NAMES[p['second']]}" for p in pairs[::-1]]
    gaps.set(yticks=range(len(pairs)), yticklabels=labels, ylim=(-0.6, max(len(pairs), 1) - 0.4))
    gaps.axvline(0, color="0.5", linestyle=":")
    gaps.set(title="Paired differences (filled: shown)")
    for axes in (scores, gaps):
        axes.grid(axis="y", visible=False)
    return figure


def effective_steps(runs: pd.DataFrame, study: dict) -> Figure:
    """Size of the update over size of the gradient, by group of weights, each at its best rate."""
    figure, panels = plt.subplots(1, 3, figsize=(10.5, 3.8), sharey=True)
    best = runs[runs["choice"] == "best"]
    for axes, layer in zip(panels, LAYERS, strict=True):
        draw_means(axes, best, "epoch", f"effective_step_{layer}")
        axes.set(title=f"{layer} weights", xlabel="epoch", yscale="log")
        axes.xaxis.get_major_locator().set_params(integer=True)
    panels[0].set(ylabel="update / gradient")
    figure.suptitle("Effective step: how far a gradient moves the weights (with SGD, by the rate)")
    legend(figure, panels, study)
    return figure


def gradient_norms(runs: pd.DataFrame, study: dict, clip_norm: float) -> Figure:
    """Gradient norm before clipping, and the share of clipped steps, each at its best rate."""
    figure, (norms, clipped) = plt.subplots(1, 2, figsize=(10.5, 3.6))
    best = runs[runs["choice"] == "best"]
    for name, table in best.groupby("optimizer", sort=False):
        style = optimizer_style(name)
        means = table.groupby("epoch")[["gradient_norm", "gradient_norm_sd"]].mean()
        middle, sd = means["gradient_norm"], means["gradient_norm_sd"]
        norms.plot(means.index, middle, label=NAMES[name], **style)
        low = np.maximum(middle - sd, middle / 10)
        norms.fill_between(means.index, low, middle + sd, color=style["color"], alpha=0.12)
    norms.axhline(clip_norm, color="0.5", linestyle=":", label="clipped above")
    draw_means(clipped, best, "epoch", "clipped")
    norms.set(title="Gradient norm before clipping (band: its sd over the steps)", yscale="log")
    clipped.set(title="Share of clipped steps", ylim=(-0.03, 1.03))
    for axes in (norms, clipped):
        axes.set(xlabel="epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
    legend(figure, np.array([norms, clipped]), study)
    return figure
