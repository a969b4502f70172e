"""The gates of the trained models over one review."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from spoilers.report.names import NAMES


def gates(values: pd.DataFrame, tokens: list[dict]) -> Figure:
    """Every gate as a map of its units over the tokens; units in the order of their mean.

    `values` has a row for each model, gate, unit and token. Below stand the words, or the tokens'
    numbers where the words are not to be shown; those of flagged sentences are bold.
    """
    maps = list(values.groupby(["model", "gate"], sort=False, observed=True))
    figure, panels = plt.subplots(len(maps), 1, figsize=(10, 1 + 1.15 * len(maps)), sharex=True)
    for axes, ((model, gate), table) in zip(panels, maps, strict=True):
        units = table.pivot(index="unit", columns="token", values="value")
        units = units.loc[units.mean(axis=1).sort_values(kind="stable").index]
        image = axes.imshow(units, cmap="PuOr_r", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
        axes.set(yticks=[], ylabel=f"{NAMES[model]}\n{gate}")
        axes.grid(visible=False)
    panels[0].set_title("Gates over one review, unit by unit, reading from left to right")
    figure.colorbar(image, ax=panels, shrink=0.5, label="0: shut, 1: open")
    every = 1 if "word" in tokens[0] else 5
    shown = tokens[::every]
    names = [token.get("word", str(token["token"])) for token in shown]
    panels[-1].set_xticks([token["token"] - 1 for token in shown], names, rotation=90, fontsize=8)
    for label, token in zip(panels[-1].get_xticklabels(), shown, strict=True):
        label.set(fontweight="bold") if token["flagged"] else label.set(color="0.4")
    return figure
