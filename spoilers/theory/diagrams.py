"""Draw the cells as diagrams, labelled like the equations."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch

from spoilers.theory.style import GREEN, GREY, ORANGE, SKY, VERMILLION, figure, save

H_BUS, X_BUS = 1.05, 0.45  # heights of the lines of h and x, which the gates read
STATE = 4.3  # height of the line of the state
LINE = {"color": "black", "linewidth": 1.2, "solid_capstyle": "round"}
HEAD = {"arrowstyle": "-|>", "color": "black", "lw": 0, "mutation_scale": 13, "shrinkA": 0, "shrinkB": 0}


def box(axes: Axes, x: float, y: float, text: str, colour: str, width: float = 0.9) -> None:
    """Draw a box with text, centred at (x, y)."""
    shape = FancyBboxPatch(
        (x - width / 2, y - 0.25), width, 0.5, "round,pad=0.02", facecolor=colour, edgecolor="black", zorder=3
    )
    axes.add_patch(shape)
    axes.text(x, y, text, ha="center", va="center", zorder=4)


def operation(axes: Axes, x: float, y: float, text: str) -> None:
    """Draw a circle with an operator, centred at (x, y)."""
    axes.add_patch(Circle((x, y), 0.2, facecolor="white", edgecolor="black", zorder=3))
    axes.text(x, y, text, ha="center", va="center_baseline", zorder=4)


def line(axes: Axes, *points: tuple[float, float], arrow: bool = True) -> None:
    """Draw a line through the points, with an arrowhead at the last one."""
    axes.plot(*zip(*points, strict=True), **LINE)
    if arrow:
        axes.annotate("", points[-1], points[-2], arrowprops=HEAD)


def dot(axes: Axes, x: float, y: float) -> None:
    """Mark a point where lines branch."""
    axes.plot(x, y, "o", color="black", markersize=3.5, zorder=4)


def gate(axes: Axes, x: float, text: str, colour: str, reads: str = "xh", width: float = 0.9) -> None:
    """Draw a box above the lines of x and h, with a connection to each line that it reads."""
    heights = {"x": X_BUS, "h": H_BUS}
    lowest = min(heights[name] for name in reads)
    line(axes, (x, lowest), (x, 1.7))
    for name in reads:
        dot(axes, x, heights[name])
    box(axes, x, 1.97, text, colour, width)


def label(axes: Axes, x: float, y: float, text: str, side: str = "left") -> None:
    """Write text beside (x, y)."""
    axes.text(x, y, text, ha=side, va="center")


def canvas() -> tuple[Figure, Axes]:
    """Return an empty figure without axes."""
    drawn, axes = figure(2.4)
    axes.set(xlim=(-0.6, 10.6), ylim=(0.05, 4.85), aspect="equal")
    axes.axis("off")
    return drawn, axes


def state_line(axes: Axes, name: str, product: float, total: float) -> None:
    """Draw the state's line: a gate multiplies it at x = `product`, and a sum adds to it at x = `total`."""
    for start, end in ((0, product - 0.2), (product + 0.2, total - 0.2), (total + 0.2, 10)):
        line(axes, (start, STATE), (end, STATE))
    label(axes, -0.05, STATE, f"${name}_{{t-1}}$", "right")
    label(axes, 10.05, STATE, f"${name}_t$")
    operation(axes, product, STATE, r"$\odot$")
    operation(axes, total, STATE, "$+$")


def gru_cell(path: Path) -> None:
    """Draw the GRU cell into an SVG file."""
    drawn, axes = canvas()
    state_line(axes, "h", 2, 8.5)
    dot(axes, 0.7, STATE)
    line(axes, (0.7, STATE), (0.7, H_BUS), (5.2, H_BUS), arrow=False)
    line(axes, (0, X_BUS), (7, X_BUS), arrow=False)
    label(axes, -0.05, X_BUS, "$x_t$", "right")

    gate(axes, 2, r"$\sigma$", SKY)
    line(axes, (2, 2.25), (2, STATE - 0.2))
    label(axes, 2.1, 2.75, "$z_t$")
    dot(axes, 2, 3.55)
    line(axes, (2, 3.55), (6.25, 3.55))
    box(axes, 6.8, 3.55, r"$1-z_t$", "white", width=1.1)
    line(axes, (7.38, 3.55), (8.3, 3.55))

    gate(axes, 3.6, r"$\sigma$", ORANGE)
    line(axes, (3.6, 2.25), (3.6, 2.85), (5.0, 2.85))
    label(axes, 3.7, 2.55, "$r_t$")
    gate(axes, 5.2, r"$U_n h_{t-1} + d_n$", "white", reads="h", width=2.0)
    line(axes, (5.2, 2.25), (5.2, 2.65))
    operation(axes, 5.2, 2.85, r"$\odot$")
    line(axes, (5.4, 2.85), (6.5, 2.85))
    dot(axes, 7, X_BUS)
    line(axes, (7, X_BUS), (7, 2.58))
    label(axes, 7.1, 1.5, r"$W_n x_t + b_n$")
    box(axes, 7, 2.85, r"$\tanh$", GREEN)
    line(axes, (7.48, 2.85), (8.5, 2.85), (8.5, 3.35))
    label(axes, 7.85, 2.62, "$n_t$")
    operation(axes, 8.5, 3.55, r"$\odot$")
    line(axes, (8.5, 3.75), (8.5, STATE - 0.2))
    axes.text(5.2, STATE + 0.12, r"$z_t \odot h_{t-1}$", ha="center", va="bottom", color=GREY)
    axes.text(8.65, 3.95, r"$(1-z_t) \odot n_t$", ha="left", va="center", color=GREY)
    save(drawn, path)


def lstm_cell(path: Path) -> None:
    """Draw the LSTM cell into an SVG file."""
    drawn, axes = canvas()
    state_line(axes, "c", 1.8, 4.3)
    line(axes, (0, H_BUS), (6.9, H_BUS), arrow=False)
    line(axes, (0, X_BUS), (6.9, X_BUS), arrow=False)
    label(axes, -0.05, H_BUS, "$h_{t-1}$", "right")
    label(axes, -0.05, X_BUS, "$x_t$", "right")

    gate(axes, 1.8, r"$\sigma$", SKY)
    line(axes, (1.8, 2.25), (1.8, STATE - 0.2))
    label(axes, 1.9, 2.75, "$f_t$")
    gate(axes, 3.4, r"$\sigma$", ORANGE)
    line(axes, (3.4, 2.25), (3.4, 3.3), (4.1, 3.3))
    label(axes, 3.3, 2.75, "$i_t$", "right")
    gate(axes, 5.2, r"$\tanh$", GREEN)
    line(axes, (5.2, 2.25), (5.2, 3.3), (4.5, 3.3))
    label(axes, 5.3, 2.75, "$g_t$")
    operation(axes, 4.3, 3.3, r"$\odot$")
    line(axes, (4.3, 3.5), (4.3, STATE - 0.2))
    gate(axes, 6.9, r"$\sigma$", VERMILLION)
    line(axes, (6.9, 2.25), (6.9, 2.6), (8.2, 2.6))
    label(axes, 7.3, 2.8, "$o_t$")
    dot(axes, 8.4, STATE)
    line(axes, (8.4, STATE), (8.4, 3.72))
    box(axes, 8.4, 3.45, r"$\tanh$", "white")
    line(axes, (8.4, 3.18), (8.4, 2.8))
    operation(axes, 8.4, 2.6, r"$\odot$")
    line(axes, (8.4, 2.4), (8.4, H_BUS), (10, H_BUS))
    label(axes, 10.05, H_BUS, "$h_t$")
    axes.text(3.05, STATE + 0.12, r"$f_t \odot c_{t-1}$", ha="center", va="bottom", color=GREY)
    axes.text(4.45, 3.85, r"$i_t \odot g_t$", ha="left", va="center", color=GREY)
    save(drawn, path)
