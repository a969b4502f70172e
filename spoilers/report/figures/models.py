"""Training, scores and mistakes of the models."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from spoilers.report.figures.drawing import MODEL_COLOURS
from spoilers.report.names import NAMES


def training_curves(curves: dict[str, pd.DataFrame]) -> Figure:
    """Loss and average precision by epoch; the epoch whose weights were kept is marked."""
    figure, (loss, precision) = plt.subplots(1, 2, figsize=(9, 3.4))
    for name, table in curves.items():
        colour, label = MODEL_COLOURS[name], NAMES[name]
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
    axes.set(yticks=range(len(names)), yticklabels=[NAMES[name] for name in names], xlim=(0, 1))
    axes.set(title="Average precision on the test reviews (dotted: chance)", ylim=(-0.6, len(names) - 0.3))
    axes.grid(axis="y", visible=False)
    return figure


def confusion(predictions: pd.DataFrame, thresholds: dict[str, float]) -> Figure:
    """Test reviews of each class, actual and predicted, of each model that has a threshold."""
    figure, panels = plt.subplots(1, len(thresholds), figsize=(4 * len(thresholds), 3.2))
    classes = ["no spoiler", "spoiler"]
    actual = predictions["label"].to_numpy(int)
    for axes, (name, threshold) in zip(np.atleast_1d(panels), thresholds.items(), strict=True):
        called = predictions[name].to_numpy() >= threshold
        counts = np.bincount(2 * actual + called, minlength=4).reshape(2, 2)
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for i in range(2):
            for j in range(2):
                colour = "white" if shares[i, j] > 0.5 else "black"
                axes.text(
                    j, i, f"{counts[i, j]:,}\n{shares[i, j]:.0%}", ha="center", va="center", color=colour
                )
        axes.set(title=NAMES[name], xlabel="predicted", ylabel="actual")
        axes.set(xticks=[0, 1], xticklabels=classes, yticks=[0, 1], yticklabels=classes)
        axes.grid(visible=False)
    return figure
