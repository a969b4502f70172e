"""The report's figures. Titles say what is seen; the colour of a model is the same in all of them."""

from collections.abc import Callable
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

STYLE = Path(__file__).with_name("style.mplstyle")
LABELS = {
    "lstm": "LSTM",
    "gru": "GRU",
    "tfidf": "TF-IDF + logistic regression",
    "length": "length only",
    "majority": "majority class",
    "sgd": "SGD",
    "momentum": "SGD with momentum",
    "rmsprop": "RMSprop",
    "adam": "Adam",
}
MODEL_COLOURS = {"lstm": "C0", "gru": "C1", "tfidf": "C2", "length": "C3", "majority": "C6"}
OPTIMIZER_COLOURS = {"sgd": "C6", "momentum": "C4", "rmsprop": "C2", "adam": "C0"}
MARKERS = {"sgd": "o", "momentum": "s", "rmsprop": "^", "adam": "D"}


def draw(path: Path, figure: Callable[..., Figure], *arguments) -> None:
    """Save a figure as SVG and PNG, without the date, so that equal numbers give equal bytes."""
    with plt.style.context(STYLE):
        drawn = figure(*arguments)
        drawn.savefig(path.with_suffix(".svg"), metadata={"Date": None})
        drawn.savefig(path.with_suffix(".png"), metadata={"Software": None})
        plt.close(drawn)


def training_curves(curves: dict[str, pd.DataFrame]) -> Figure:
    """Loss and average precision by epoch; the epoch whose weights were kept is marked."""
    figure, (loss, precision) = plt.subplots(1, 2, figsize=(9, 3.4))
    for name, table in curves.items():
        colour, label = MODEL_COLOURS[name], LABELS[name]
        loss.plot(table["epoch"], table["train_loss"], "--", color=colour, label=f"{label}, training")
        loss.plot(table["epoch"], table["validation_loss"], color=colour, label=f"{label}, validation")
        precision.plot(table["epoch"], table["average_precision"], color=colour, label=label)
        best = table["average_precision"].idxmax()
        precision.plot(table["epoch"][best], table["average_precision"][best], "o", color=colour)
    loss.set(title="Loss", xlabel="epoch", ylim=(0, None))
    precision.set(title="Average precision on validation (dot: weights kept)", xlabel="epoch")
    loss.legend()
    precision.legend()
    return figure


def precision_recall(tables: dict[str, pd.DataFrame], prevalence: float) -> Figure:
    figure, axes = plt.subplots(figsize=(5.6, 4.2))
    for name, table in tables.items():
        axes.plot(
            table["recall"],
            table["precision"],
            color=MODEL_COLOURS[name],
            label=LABELS[name],
            drawstyle="steps-post",
        )
    axes.axhline(prevalence, color="0.5", linestyle=":", label=f"chance ({prevalence:.3f})")
    axes.set(title="Precision against recall on the test reviews", xlabel="recall", ylabel="precision")
    axes.set(xlim=(0, 1), ylim=(0, 1.02))
    axes.legend()
    return figure


def comparison(evaluation: dict[str, dict], prevalence: float) -> Figure:
    """Average precision of every model with its interval."""
    names = list(evaluation)[::-1]
    figure, axes = plt.subplots(figsize=(7, 2.8))
    for row, name in enumerate(names):
        scores = evaluation[name]
        middle = scores["average_precision"]
        sides = [[middle - scores["low"]], [scores["high"] - middle]]
        sides = np.maximum(sides, 0)
        axes.errorbar(middle, row, xerr=sides, fmt="o", color=MODEL_COLOURS[name], capsize=4)
        axes.annotate(f"{middle:.3f}", (middle, row), (0, 7), textcoords="offset points", ha="center")
    axes.axvline(prevalence, color="0.5", linestyle=":")
    axes.set(yticks=range(len(names)), yticklabels=[LABELS[name] for name in names], xlim=(0, 1))
    axes.set(title="Average precision on the test reviews (dotted: chance)", ylim=(-0.6, len(names) - 0.3))
    axes.grid(axis="y", visible=False)
    return figure


def confusion(tables: dict[str, pd.DataFrame]) -> Figure:
    figure, panels = plt.subplots(1, len(tables), figsize=(4 * len(tables), 3.2))
    classes = ["no spoiler", "spoiler"]
    for axes, (name, table) in zip(np.atleast_1d(panels), tables.items(), strict=True):
        counts = pd.crosstab(table["actual"], table["predicted"])
        counts = counts.reindex(index=classes, columns=classes, fill_value=0).to_numpy()
        shares = counts / counts.sum(axis=1, keepdims=True)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for i in range(2):
            for j in range(2):
                colour = "white" if shares[i, j] > 0.5 else "black"
                axes.text(
                    j, i, f"{counts[i, j]:,}\n{shares[i, j]:.0%}", ha="center", va="center", color=colour
                )
        axes.set(title=LABELS[name], xlabel="predicted", ylabel="actual")
        axes.set(xticks=[0, 1], xticklabels=classes, yticks=[0, 1], yticklabels=classes)
        axes.grid(visible=False)
    return figure


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
            label=LABELS[name],
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
            label = f"{LABELS[name]} ({entry['learning_rate']:g})"
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


def wall_clock(trainings: dict[str, dict], study: list[dict]) -> Figure:
    figure, (models, steps) = plt.subplots(1, 2, figsize=(9, 2.6))
    names = list(trainings)[::-1]
    seconds = [trainings[name]["training_seconds"] for name in names]
    bars = models.barh([LABELS[n] for n in names], seconds, color=[MODEL_COLOURS[n] for n in names])
    models.bar_label(bars, [f"{s:.0f} s" for s in seconds], padding=3)
    models.set(title="Training time on this machine", xlabel="seconds")
    names = [entry["optimizer"] for entry in study][::-1]
    milliseconds = [entry["milliseconds_per_step"] for entry in study][::-1]
    bars = steps.barh([LABELS[n] for n in names], milliseconds, color=[OPTIMIZER_COLOURS[n] for n in names])
    steps.bar_label(bars, [f"{m:.1f} ms" for m in milliseconds], padding=3)
    steps.set(title="Time of one step in the optimizer study", xlabel="milliseconds")
    for axes in (models, steps):
        axes.grid(axis="y", visible=False)
        axes.margins(x=0.15)
    return figure
