"""Figures on the reviews."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spoilers.report.figures.drawing import CLASS_COLOURS, draw, legend, plain_ticks, stacked

TITLES = {"no spoiler": "More in reviews without a spoiler", "spoiler": "More in reviews with a spoiler"}


def draw_all(folder: Path, found: dict, curve: pd.DataFrame) -> None:
    """Draw what the data allow: dates, ratings or flagged sentences may be missing or all alike."""
    draw(folder / "data_lengths", lengths, curve)
    reviews = {name: row["reviews"] for name, row in found["classes"].items()}
    prevalence = reviews["spoiler"] / sum(reviews.values())
    several = {key: found[f"{key}s"] for key in ("rating", "year") if len(found[f"{key}s"]) > 1}
    if several:
        draw(folder / "data_shares", spoiler_shares, several, prevalence)
    if found["place"]:
        draw(folder / "data_positions", positions, found["positions"])
    if found["words"]:
        draw(folder / "data_words", words, found["words"], found["words_tested"]["bound"])


def lengths(curve: pd.DataFrame) -> Figure:
    """Draw each class's distribution of lengths; `curve` has a row per bin, with its lower edge."""
    figure, (axes,) = stacked(1, 3.4)
    curve = curve[curve[["no_spoiler", "spoiler"]].cumsum().sum(axis=1) > 0]  # from the shortest review on
    edges = [*curve["tokens"], round(curve["tokens"].iloc[-1] * 2**0.5) + 1]
    for column, line in (("no_spoiler", "--"), ("spoiler", "-")):
        name = column.replace("_", " ")
        axes.stairs(curve[column], edges, color=CLASS_COLOURS[name], linestyle=line, label=name)
    axes.set(xscale="log", xlabel="tokens in the review", ylabel="share of the class", ylim=(0, None))
    plain_ticks(axes.xaxis)
    legend(figure, axes)
    return figure


def positions(parts: list[dict]) -> Figure:
    """Draw the share of flagged sentences in each tenth of a review."""
    mean = sum(row["flagged"] for row in parts) / sum(row["sentences"] for row in parts)
    figure, (axes,) = stacked(1, 3)
    places = [row["part"] for row in parts]
    axes.bar(places, [row["share"] for row in parts], color=CLASS_COLOURS["spoiler"], width=0.8)
    axes.axhline(mean, color="0.3", linestyle=":")
    axes.set(xticks=places, xlabel="tenth of the review", ylabel="share of sentences flagged")
    axes.grid(axis="x", visible=False)
    return figure


def spoiler_shares(tables: dict[str, list[dict]], prevalence: float) -> Figure:
    """Draw the share of spoiler reviews by rating and by year (the keys of `tables`), with intervals."""
    figure, panels = stacked(len(tables), 0.4 + 2.8 * len(tables), sharey=True)
    for axes, (key, rows) in zip(panels, tables.items(), strict=True):
        middle, low, high = (np.array([row[at] for row in rows]) for at in ("share", "low", "high"))
        values = [row[key] for row in rows]
        style = {"fmt": "o", "color": CLASS_COLOURS["spoiler"], "capsize": 3}
        axes.errorbar(values, middle, yerr=np.maximum([middle - low, high - middle], 0), **style)
        axes.axhline(prevalence, color="0.3", linestyle=":")
        axes.set(xlabel=key, ylabel="share with a spoiler", ylim=(0, None))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
        if key == "rating":
            axes.set(xticks=values, xticklabels=["none" if value == 0 else str(value) for value in values])
    return figure


def words(rows: list[dict], bound: float) -> Figure:
    """Draw each class's words with the largest |z| as bars; z beyond `bound` is more than chance."""
    table = {name: [row for row in rows if row["class"] == name] for name in TITLES}
    longest = max(map(len, table.values()))
    figure, panels = stacked(2, 1.6 + 0.44 * longest, sharex=True)
    for axes, (name, found) in zip(panels, table.items(), strict=True):
        sizes = [abs(row["z"]) for row in found]
        axes.barh(range(len(found)), sizes, color=CLASS_COLOURS[name])
        axes.axvline(bound, color="0.3", linestyle=":")
        axes.set(yticks=range(len(found)), yticklabels=[row["word"] for row in found])
        axes.set(title=TITLES[name], ylim=(longest - 0.4, -0.6))
        axes.grid(axis="y", visible=False)
    panels[1].set(xlabel="standard deviations")
    return figure
