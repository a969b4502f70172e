"""Scores of parts of the test reviews."""

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from spoilers.report.figures.drawing import MODEL_COLOURS
from spoilers.report.names import NAMES

SHIFT = 0.17  # between two models in a row


def score_by_slice(slices: list[dict]) -> Figure:
    """ROC-AUC of every slice that has one, with its interval where there is one."""
    rows = [row for row in slices if "roc_auc" in row]
    labels = list(dict.fromkeys((row["by"], row["slice"]) for row in rows))
    sizes = {(row["by"], row["slice"]): (row["reviews"], row["spoilers"]) for row in rows}
    models = list(dict.fromkeys(row["model"] for row in rows))
    figure, axes = plt.subplots(figsize=(8, 1.4 + 0.3 * len(labels)))
    for i, model in enumerate(models):
        shift = SHIFT * (2 * i - len(models) + 1)
        for row in (row for row in rows if row["model"] == model):
            y = labels.index((row["by"], row["slice"])) + shift
            axes.plot(row["roc_auc"], y, "o", color=MODEL_COLOURS[model], markersize=4)
            if "low" in row:
                axes.plot([row["low"], row["high"]], [y, y], color=MODEL_COLOURS[model], linewidth=1.4)
        axes.plot([], [], "o-", color=MODEL_COLOURS[model], label=NAMES[model])
    for y in range(1, len(labels)):
        if labels[y][0] != labels[y - 1][0]:
            axes.axhline(y - 0.5, color="0.6", linewidth=0.8)
    axes.axvline(0.5, color="0.5", linestyle=":", label="chance")
    names = ["{}: {} ({:,}; {:,})".format(*label, *sizes[label]) for label in labels]
    lowest = min([0.4, *(row.get("low", row["roc_auc"]) for row in rows)])
    axes.set(yticks=range(len(labels)), yticklabels=names, xlim=(lowest - 0.02, 1.01), xlabel="ROC-AUC")
    axes.set(
        title="Where the networks rank well and badly\n(reviews; spoilers among them)",
        ylim=(-0.7, len(labels) - 0.3),
    )
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    figure.legend(loc="outside lower right", ncols=3)
    return figure
