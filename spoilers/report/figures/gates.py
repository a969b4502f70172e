"""Draw the trained models' gates over one review."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from spoilers.report.figures.drawing import WIDTH
from spoilers.report.names import NAMES

ROW = 0.175  # inches for each token


def gates(values: pd.DataFrame, tokens: list[dict]) -> Figure:
    """Draw every gate as a heat map of units over tokens, with the units sorted by their mean.

    `values` has a row for each model, gate, unit and token. The words are on the left, or the tokens'
    numbers if the words must not be shown; those of flagged sentences are bold.
    """
    maps = list(values.groupby(["model", "gate"], sort=False, observed=True))
    figure, panels = plt.subplots(1, len(maps), figsize=(WIDTH, 1.4 + ROW * len(tokens)), sharey=True)
    for axes, ((model, gate), table) in zip(panels, maps, strict=True):
        units = table.pivot(index="token", columns="unit", values="value")
        units = units[units.mean().sort_values(kind="stable").index]
        image = axes.imshow(units, cmap="PuOr_r", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
        axes.set(xticks=[])
        axes.set_title(f"{NAMES[model]}\n{gate}", fontweight="normal")
        axes.grid(visible=False)
    figure.colorbar(image, ax=panels, location="bottom", aspect=40, label="0: shut, 1: open")
    every = 1 if "word" in tokens[0] else 5
    shown = tokens[::every]
    names = [token.get("word", str(token["token"])) for token in shown]
    panels[0].set_yticks([token["token"] - 1 for token in shown], names)
    for label, token in zip(panels[0].get_yticklabels(), shown, strict=True):
        label.set(fontweight="bold") if token["flagged"] else label.set(color="0.3")
    return figure
