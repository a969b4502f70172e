"""What the reviews are like."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spoilers.report.figures.drawing import CLASS_COLOURS, draw

TITLES = {"no spoiler": "More in reviews without a spoiler", "spoiler": "More in reviews with a spoiler"}


def draw_all(folder: Path, found: dict, curve: pd.DataFrame) -> None:
    """Draw what the reviews have: dates, ratings or flagged sentences may be missing, or all be alike."""
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
    """Share of each class's reviews by length; `curve` has a row a bin, with its lower edge."""
    figure, axes = plt.subplots(figsize=(6.4, 3.2))
    curve = curve[curve[["no_spoiler", "spoiler"]].cumsum().sum(axis=1) > 0]  # from the shortest review on
    edges = [*curve["tokens"], round(curve["tokens"].iloc[-1] * 2**0.5) + 1]
    for column, line in (("no_spoiler", "--"), ("spoiler", "-")):
        name = column.replace("_", " ")
        axes.stairs(curve[column], edges, color=CLASS_COLOURS[name], linestyle=line, label=name)
    axes.set(xscale="log", xlabel="tokens in the review", ylabel="share of the class", ylim=(0, None))
    axes.set(title="Length of reviews with and without a spoiler")
    axes.legend()
    return figure


def positions(parts: list[dict]) -> Figure:
    """Share of flagged sentences in each tenth of a review."""
    mean = sum(row["flagged"] for row in parts) / sum(row["sentences"] for row in parts)
    figure, axes = plt.subplots(figsize=(6.4, 3.2))
    places = [row["part"] for row in parts]
    axes.bar(places, [row["share"] for row in parts], color=CLASS_COLOURS["spoiler"], width=0.8)
    axes.axhline(mean, color="0.5", linestyle=":", label=f"over the whole review ({mean:.3f})")
    axes.set(xticks=places, xlabel="tenth of the review", ylabel="share of sentences flagged")
    axes.set(title="Where spoilers stand in spoiler reviews of ten sentences or more")
    axes.legend()
    axes.grid(axis="x", visible=False)
    return figure


def spoiler_shares(tables: dict[str, list[dict]], prevalence: float) -> Figure:
    """Share of spoiler reviews at each rating and in each year, with 95 % intervals; tables by their key."""
    width = 4.2 * len(tables)
    figure, panels = plt.subplots(1, len(tables), figsize=(width, 3.2), sharey=True, squeeze=False)
    for axes, (key, rows) in zip(panels[0], tables.items(), strict=True):
        shares(axes, [row[key] for row in rows], rows)
        axes.axhline(prevalence, color="0.5", linestyle=":")
        axes.set(title=f"By {key} (dotted: all)", xlabel=key, ylim=(0, None))
    if "rating" in tables:
        values = [row["rating"] for row in tables["rating"]]
        names = ["none" if value == 0 else str(value) for value in values]
        panels[0][0].set(xticks=values, xticklabels=names)
    panels[0][0].set(ylabel="share of spoiler reviews")
    return figure


def shares(axes: Axes, at: list[int], rows: list[dict]) -> None:
    middle, low, high = (np.array([row[key] for row in rows]) for key in ("share", "low", "high"))
    colour = CLASS_COLOURS["spoiler"]
    axes.errorbar(at, middle, yerr=[middle - low, high - middle], fmt="o", color=colour, capsize=3)


def words(rows: list[dict], bound: float) -> Figure:
    """The words with the largest z of each class, as bars; beyond `bound` it is more than chance."""
    table = {name: [row for row in rows if row["class"] == name] for name in TITLES}
    longest = max(map(len, table.values()))
    figure, panels = plt.subplots(1, 2, figsize=(8, 0.8 + 0.24 * longest), sharex=True)
    for axes, (name, found) in zip(panels, table.items(), strict=True):
        sizes = [abs(row["z"]) for row in found]
        axes.barh(range(len(found)), sizes, color=CLASS_COLOURS[name])
        axes.axvline(bound, color="0.5", linestyle=":")
        axes.set(yticks=range(len(found)), yticklabels=[row["word"] for row in found])
        axes.set(title=TITLES[name])
        axes.set(xlabel="standard deviations (dotted: beyond chance)", ylim=(longest - 0.4, -0.6))
        axes.grid(axis="y", visible=False)
    return figure
