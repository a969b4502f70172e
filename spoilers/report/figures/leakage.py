"""What gives labels away."""

import matplotlib.pyplot as plt
from matplotlib.figure import Figure


def leaks(found: dict) -> Figure:
    """Draw the baseline's average precision under each split, without the word, and from length alone."""
    splits, word = found["splits"], found["word"]
    names = {"book": "split by book: test books are new", "random": "random split: test books are known"}
    bars = [(names[by], row["average_precision"], row["low"], row["high"]) for by, row in splits.items()]
    if word:
        bars.append(("split by book, without `spoiler`", word["average_precision_without"]))
        bars.append(("split by book, length only", splits["book"]["length_only"]))
    figure, axes = plt.subplots(figsize=(7.6, 0.8 + 0.5 * max(len(bars), 1)))
    for y, (_, value, *sides) in enumerate(bars):
        axes.barh(y, value, color="C2", height=0.6, alpha=0.85)
        if sides:
            axes.plot(sides, [y, y], color="black", linewidth=1.4)
        axes.annotate(f"{value:.3f}", (0, y), (4, 0), textcoords="offset points", va="center", color="white")
    if splits:
        axes.axvline(next(iter(splits.values()))["prevalence"], color="0.3", linestyle=":")
    axes.set(yticks=range(len(bars)), yticklabels=[bar[0] for bar in bars], xlim=(0, 1))
    axes.set(title="Average precision of TF-IDF (dotted: chance)", xlabel="average precision")
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    return figure
