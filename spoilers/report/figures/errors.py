"""Right and wrong decisions."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from spoilers.report.names import NAMES

BINS = np.linspace(0, 1, 41)


def probabilities(predictions: pd.DataFrame, thresholds: dict[str, float]) -> Figure:
    """How the probabilities of both kinds of review lie about the threshold: what is past it is a mistake."""
    figure, panels = plt.subplots(len(thresholds), 1, figsize=(8.4, 2.4 * len(thresholds)), sharex=True)
    spoils = predictions["label"].to_numpy()
    for axes, (name, threshold) in zip(np.atleast_1d(panels), thresholds.items(), strict=True):
        for label, rows, colour, kind in (
            ("no spoiler", ~spoils, "0.6", "stepfilled"),
            ("spoiler", spoils, "C1", "step"),
        ):
            values = predictions[name].to_numpy()[rows]
            weights = np.full(len(values), 1 / max(len(values), 1))
            axes.hist(values, BINS, weights=weights, histtype=kind, color=colour, linewidth=1.8, label=label)
        axes.axvline(threshold, color="black", linestyle="--", label="threshold")
        axes.set(
            title=f"{NAMES[name]}: grey right of the threshold is a false alarm, orange left of it is missed"
        )
        axes.set(ylabel="share of the kind", xlim=(0, 1))
    axes.set(xlabel="predicted probability of a spoiler")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure
