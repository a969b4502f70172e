"""Draw the network as a diagram with its sizes."""

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
    figure, (axes,) = stacked(1, 6.4)
    axes.set(xlim=(-3.1, 10.2), ylim=(-0.5, 12.3))
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
            arrow(axes, (x, top), (middle, 5.75))
        box(axes, middle, 6.1, 2.6, f"{width}", "maximum")
    heads(axes, middles, everywhere, top, model)
    name(axes, 0, "words")
    name(axes, 1.5, "embedding")
    name(axes, 3.55 if model.bidirectional else 3.0, "LSTM or GRU")
    name(axes, 6.1, "largest value\nin a sentence")
    name(axes, 7.9, "largest value\nin the review" if model.pooling == "max" else "last state")
    name(axes, 9.8, "linear layers")
    name(axes, 11.6, "probabilities")
    return figure


def name(axes: Axes, y: float, text: str) -> None:
    """Label a row on the left."""
    axes.text(-3.1, y, text, ha="left", va="center", color="#333333")


def word_places() -> list[list[float]]:
    """Return the x positions of each sentence's words, with a gap between sentences."""
    return [[0.9, 2.5, 4.1, 5.7], [7.7, 9.3]]


def recurrent(axes: Axes, places: list[float], model: Model) -> None:
    """Draw the recurrent layers, with arrows along each direction."""
    ways = ((3.0, places), (4.1, places[::-1]))[: 2 if model.bidirectional else 1]
    for y, order in ways:
        for x in places:
            box(axes, x, y, 1.15, f"{model.hidden_size}", "recurrent")
        for start, end in pairwise(order):
            side = 0.58 if end > start else -0.58
            arrow(axes, (start + side, y), (end - side, y))


def heads(axes: Axes, middles: list[float], words: list[float], top: float, model: Model) -> None:
    """Draw the two linear layers with their inputs and outputs."""
    review = 0.55 * middles[0] + 0.45 * middles[1]
    for middle, sentence in zip(middles, ("1", "2"), strict=True):
        if model.pooling == "max":
            arrow(axes, (middle, 6.45), (review, 7.55))
        arrow(axes, (middle, 6.45), (middle, 9.45))
        box(axes, middle, 9.8, 1.9, "sentence", "head")
        output(axes, middle, f"sentence {sentence}")
    if model.pooling == "last":
        arrow(axes, (words[-1], top), (review, 7.55))
    box(axes, review, 7.9, 1.9, f"{model.hidden_size * (2 if model.bidirectional else 1)}", "maximum")
    arrow(axes, (review, 8.25), (review, 9.45))
    box(axes, review, 9.8, 1.9, "review", "head")
    output(axes, review, "review", "bold")


def output(axes: Axes, x: float, text: str, weight: str = "normal") -> None:
    """Draw an arrow to the output for a sentence or the review."""
    arrow(axes, (x, 10.15), (x, 11.2))
    axes.text(x, 11.6, text, ha="center", va="center", fontweight=weight)


def box(axes: Axes, x: float, y: float, width: float, text: str, kind: str) -> None:
    """Draw a box with a text, centred at (x, y)."""
    corner = (x - width / 2, y - 0.3)
    style = {"facecolor": COLOURS[kind], "edgecolor": "#333333" if kind != "words" else "white", "zorder": 3}
    axes.add_patch(FancyBboxPatch(corner, width, 0.6, "round,pad=0.03", **style))
    axes.text(x, y, text, ha="center", va="center", zorder=4)


def arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw an arrow."""
    axes.annotate("", end, start, arrowprops=ARROW)
