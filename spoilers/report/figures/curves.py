"""How each model ranks the test reviews, and whether its probabilities can be taken at their word."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spoilers.report.figures.drawing import MODEL_COLOURS
from spoilers.report.names import NAMES


def precision_recall(tables: dict[str, pd.DataFrame], prevalence: float) -> Figure:
    figure, axes = plt.subplots(figsize=(6.2, 4.4))
    for name, table in tables.items():
        curve(axes, name, table, "recall", "precision", step="pre")
    axes.axhline(prevalence, color="0.5", linestyle=":", label=f"chance ({prevalence:.3f})")
    axes.set(title="Precision against recall on the test reviews, with intervals")
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    axes.legend()
    return figure


def roc(tables: dict[str, pd.DataFrame]) -> Figure:
    figure, axes = plt.subplots(figsize=(6.2, 4.4))
    for name, table in tables.items():
        curve(axes, name, table, "false_positive_rate", "recall", step="post")
    axes.plot([0, 1], [0, 1], color="0.5", linestyle=":", label="chance")
    axes.set(title="Spoilers found against false alarms (ROC), with intervals")
    axes.set(xlabel="share of the other reviews called spoilers", ylabel="share of the spoilers found")
    axes.set(xlim=(0, 1), ylim=(0, 1.02))
    axes.legend(loc="lower right")
    return figure


def curve(axes: Axes, name: str, table: pd.DataFrame, x: str, y: str, step: str) -> None:
    colour = MODEL_COLOURS[name]
    axes.fill_between(table[x], table["low"], table["high"], color=colour, alpha=0.13, step=step, linewidth=0)
    axes.plot(table[x], table[y], color=colour, label=NAMES[name], drawstyle=f"steps-{step}")


def calibration(models: dict[str, list[dict]], prevalence: float) -> Figure:
    """Draw the share of spoilers among the reviews that a model gave about the same probability."""
    figure, axes = plt.subplots(figsize=(6.2, 4.4))
    for name, bins in models.items():
        predicted, observed = ([row[key] for row in bins] for key in ("predicted", "observed"))
        sizes = [12 + 200 * row["reviews"] / sum(row["reviews"] for row in bins) for row in bins]
        axes.plot(predicted, observed, color=MODEL_COLOURS[name], label=NAMES[name])
        axes.scatter(predicted, observed, sizes, color=MODEL_COLOURS[name], alpha=0.8)
    axes.plot([0, 1], [0, 1], color="0.5", linestyle=":", label="taken at their word")
    axes.axhline(prevalence, color="0.7", linestyle="--", linewidth=1, label=f"prevalence ({prevalence:.3f})")
    axes.set(title="What the probabilities are worth (larger dot: more reviews)", xlim=(0, 1), ylim=(0, 1.02))
    axes.set(xlabel="predicted probability of a spoiler", ylabel="share that are spoilers")
    axes.legend()
    return figure
