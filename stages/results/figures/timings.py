"""Wall-clock times: measured anew in every run, and kept apart from what repeats."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from stages.results.figures.drawing import MODEL_COLOURS, OPTIMIZER_COLOURS, optimizer_style
from stages.results.names import NAMES


def wall_clock(trainings: dict[str, dict]) -> Figure:
    figure, axes = plt.subplots(figsize=(6, 1.8))
    names = list(trainings)[::-1]
    seconds = [trainings[name]["training_seconds"] for name in names]
    bars = axes.barh([NAMES[n] for n in names], seconds, color=[MODEL_COLOURS[n] for n in names])
    axes.bar_label(bars, [f"{s:.0f} s" for s in seconds], padding=3)
    axes.set(title="Training time on this machine", xlabel="seconds")
    axes.grid(axis="y", visible=False)
    axes.margins(x=0.15)
    return figure


def optimizers(runs: pd.DataFrame, study: list[dict]) -> Figure:
    """Loss and score against seconds, and the seconds of a step and to convergence, each at its best rate."""
    figure, panels = plt.subplots(2, 2, figsize=(10, 5.4), height_ratios=(3, 2))
    (loss, precision), (steps, goal) = panels
    for entry in study:
        table = runs[(runs["choice"] == "best") & (runs["optimizer"] == entry["optimizer"])]
        style = optimizer_style(entry["optimizer"])
        for axes, column in ((loss, "train_loss"), (precision, "average_precision")):
            values = table.groupby("epoch")[column].mean()
            axes.plot(entry["seconds_at_evaluations"], values, label=NAMES[entry["optimizer"]], **style)
    loss.set(title="Training loss, each at its best rate", xlabel="seconds on this machine")
    precision.set(title="Average precision on validation", xlabel="seconds on this machine")
    if study:
        figure.legend(*precision.get_legend_handles_labels(), loc="outside upper center", ncols=len(study))
    names = [NAMES[entry["optimizer"]] for entry in study][::-1]
    colours = [OPTIMIZER_COLOURS[entry["optimizer"]] for entry in study][::-1]
    milliseconds = [entry["milliseconds_per_step"] for entry in study][::-1]
    bars = steps.barh(names, milliseconds, color=colours)
    steps.bar_label(bars, [f"{m:.1f} ms" for m in milliseconds], padding=3)
    steps.set(title="One step, validation included", xlabel="milliseconds")
    seconds = [entry.get("seconds_to_convergence", np.nan) for entry in study][::-1]
    bars = goal.barh(names, np.nan_to_num(seconds), color=colours)
    goal.bar_label(bars, ["never" if np.isnan(s) else f"{s:.1f} s" for s in seconds], padding=3)
    goal.set(title="Seconds to convergence", xlabel="seconds")
    for axes in (steps, goal):
        axes.grid(axis="y", visible=False)
        axes.margins(x=0.2)
    return figure
