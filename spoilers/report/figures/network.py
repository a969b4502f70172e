"""The network as a diagram, with the sizes in use."""

from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from spoilers.core.params import Model
from spoilers.report.figures.drawing import stacked

WORDS = (("the", "butler", "did", "it"), ("I", "wept"))  # two sentences
COLOURS = {
    "words": "#ffffff",
    "embedding": "#cfe8f7",
    "recurrent": "#fbe3b5",
    "maximum": "#d3eee4",
    "head": "#f6d9e8",
}
ARROW = {"arrowstyle": "-|>", "color": "#333333", "lw": 1.1, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 10}


def network(model: Model) -> Figure:
    """Draw the network over two short sentences, from the words at the bottom to the two heads at the top."""
    figure, (axes,) = stacked(1, 6.2)
    axes.set(xlim=(0, 10.4), ylim=(-0.5, 11.9))
    axes.axis("off")
    places = word_places()
    everywhere = [x for sentence in places for x in sentence]
    for x, word in zip(everywhere, [word for sentence in WORDS for word in sentence], strict=True):
        box(axes, x, 0, 1.35, word, "words")
        arrow(axes, (x, 0.35), (x, 1.15))
        box(axes, x, 1.5, 1.35, f"{model.embedding_size}", "embedding")
        arrow(axes, (x, 1.85), (x, 2.65))
    recurrent(axes, everywhere, model)
    top = 4.45 if model.bidirectional else 3.35
    width = model.hidden_size * (2 if model.bidirectional else 1)
    middles = [sum(sentence) / len(sentence) for sentence in places]
    for sentence, middle in zip(places, middles, strict=True):
        for x in sentence:
            arrow(axes, (x, top), (middle, 5.7))
        box(axes, middle, 6.1, 3.2, f"maximum: {width}", "maximum")
    heads(axes, middles, everywhere, top, model)
    return figure


def word_places() -> list[list[float]]:
    """Return where the words of each sentence stand, with a gap between two sentences."""
    return [[0.9, 2.5, 4.1, 5.7], [7.7, 9.3]]


def recurrent(axes: Axes, places: list[float], model: Model) -> None:
    """Draw the recurrent layers, an arrow along the words for each direction."""
    ways = ((3.0, places), (4.1, places[::-1]))[: 2 if model.bidirectional else 1]
    for y, order in ways:
        for x in places:
            box(axes, x, y, 1.15, f"{model.hidden_size}", "recurrent")
        for start, end in pairwise(order):
            side = 0.58 if end > start else -0.58
            arrow(axes, (start + side, y), (end - side, y))


def heads(axes: Axes, middles: list[float], words: list[float], top: float, model: Model) -> None:
    """Draw the two linear layers and what they read."""
    first, second = middles
    review = (first + second) / 2
    for middle in middles:
        if model.pooling == "max":
            arrow(axes, (middle, 6.45), (review, 8.05))
        arrow(axes, (middle, 6.45), (middle, 10.0))
        box(axes, middle, 10.35, 3.2, "sentence: linear", "head")
        axes.text(middle, 11.2, "spoils?", ha="center", va="center")
    if model.pooling == "max":
        box(axes, review, 8.4, 2.6, "maximum", "maximum")
    else:
        arrow(axes, (words[-1], top), (review + 1.3, 8.2))
        box(axes, review, 8.4, 2.6, "last state", "maximum")
    arrow(axes, (review, 8.75), (review, 10.0))
    box(axes, review, 10.35, 2.0, "review: linear", "head")
    axes.text(review, 11.2, "spoils?", ha="center", va="center", fontweight="bold")


def box(axes: Axes, x: float, y: float, width: float, text: str, kind: str) -> None:
    """Draw a box with a text, centred at (x, y)."""
    corner = (x - width / 2, y - 0.3)
    style = {"facecolor": COLOURS[kind], "edgecolor": "#333333" if kind != "words" else "white", "zorder": 3}
    axes.add_patch(FancyBboxPatch(corner, width, 0.6, "round,pad=0.03", **style))
    axes.text(x, y, text, ha="center", va="center", zorder=4)


def arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw an arrow."""
    axes.annotate("", end, start, arrowprops=ARROW)
