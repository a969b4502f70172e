"""What gives labels away."""

import matplotlib.pyplot as plt
from matplotlib.figure import Figure


def leaks(splits: list[dict], words: list[dict]) -> Figure:
    """The baseline's average precision under each split, without the word, and from length alone."""
    names = {"book": "split by book: test books are new", "random": "random split: test books are known"}
    bars = [(names[row["split"]], row["average_precision"], row["low"], row["high"]) for row in splits]
    bars += [("split by book, without `spoiler`", row["average_precision_without"]) for row in words]
    bars += [("split by book, length only", row["length_only"]) for row in splits if row["split"] == "book"]
    figure, axes = plt.subplots(figsize=(7.6, 0.8 + 0.5 * max(len(bars), 1)))
    for y, (_, value, *sides) in enumerate(bars):
        axes.barh(y, value, color="C2", height=0.6, alpha=0.85)
        if sides:
            axes.plot(sides, [y, y], color="black", linewidth=1.4)
        axes.annotate(f"{value:.3f}", (0, y), (4, 0), textcoords="offset points", va="center", color="white")
    for row in splits[:1]:
        axes.axvline(row["prevalence"], color="0.3", linestyle=":")
    axes.set(yticks=range(len(bars)), yticklabels=[bar[0] for bar in bars], xlim=(0, 1))
    axes.set(title="Average precision of TF-IDF (dotted: chance)", xlabel="average precision")
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    return figure
