"""Wall-clock times: measured anew in every run, and kept apart from what repeats."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from spoilers.report.figures.drawing import MODEL_COLOURS, OPTIMIZER_COLOURS, optimizer_style
from spoilers.report.names import NAMES


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


def quality_and_cost(
    scores: dict[str, dict], trainings: dict[str, float], inference: dict[str, float]
) -> Figure:
    """Average precision with its interval against training time and against speed, both on this machine."""
    figure, (training, reading) = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True)
    for axes, costs, unit in ((training, trainings, " s"), (reading, inference, "/s")):
        for i, (name, cost) in enumerate(costs.items()):
            middle = scores[name]["average_precision"]
            sides = [[max(middle - scores[name]["low"], 0)], [max(scores[name]["high"] - middle, 0)]]
            axes.errorbar(cost, middle, yerr=sides, fmt="o", color=MODEL_COLOURS[name], label=NAMES[name])
            label = f"{cost:,.0f}" if cost > 10 else f"{cost:.1f}"
            place = (5, -10 if i % 2 else 10)
            axes.annotate(label + unit, (cost, middle), place, textcoords="offset points", va="center")
        axes.set(xscale="log")
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.margins(x=0.25)
    training.set(title="Quality against training time", xlabel="seconds of training")
    training.set(ylabel="average precision on test")
    reading.set(title="Quality against speed", xlabel="tokens read per second")
    figure.legend(*training.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure
