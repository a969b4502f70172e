"""Draw the figures of the theory pages, each from computed values."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from spoilers.theory import diagrams, trials
from spoilers.theory.cells import sigmoid
from spoilers.theory.style import BLACK, BLUE, CELLS, OPTIMIZERS, ORANGE, SKY, VERMILLION, figure, save

Curves = dict[str, dict[str, np.ndarray]]


def draw(folder: Path, curves: Curves) -> None:
    """Draw every byte-for-byte reproducible figure."""
    diagrams.lstm_cell(folder / "lstm_cell.svg")
    diagrams.gru_cell(folder / "gru_cell.svg")
    gradients(folder / "gradient_by_distance.svg", curves)
    retention(folder / "retention.svg")
    across, up = (-11, 5), (-1.6, 1.6)
    paths(folder / "ravine.svg", trials.ravine(), across, up, np.geomspace(0.3, 130, 9))
    across, up = (-2, 2), (-1, 3)
    paths(folder / "rosenbrock.svg", trials.rosenbrock(), across, up, np.geomspace(0.3, 1500, 9))
    first_steps(folder / "first_steps.svg")


def gradients(path: Path, curves: Curves) -> None:
    """Draw the gradient's norm against the distance, from the values of `trials.gradient_curves`."""
    drawn, (plain, start, held) = figure(7.2, 3, sharex=True, sharey=True)
    styles = zip(curves["plain"].items(), (":", "-", "--"), (BLACK, BLUE, VERMILLION), strict=True)
    for (factor, values), line, colour in styles:
        plain.plot(values, line, color=colour, label=rf"$U = {factor}\,Q$")
    for axes, which in ((start, "start"), (held, "open")):
        for name, values in curves[which].items():
            axes.plot(values, **CELLS[name])
    titles = ("No gates, $Q$ orthogonal", "First weights here", "Gate biases of 5")
    for axes, title in zip((plain, start, held), titles, strict=True):
        axes.set(yscale="log", ylim=(1e-15, 1e4), title=title, ylabel="norm of the gradient")
        axes.legend(loc="lower left")
    held.set_xlabel("steps back")
    save(drawn, path)


def retention(path: Path) -> None:
    """Draw how a memory decays while the gate stays at one value."""
    drawn, (decay, half) = figure(5.6, 2)
    steps = np.arange(101)
    gates = {0.5: (BLACK, ":"), 0.73: (ORANGE, "-."), 0.9: (VERMILLION, "--"), 0.99: (BLUE, "-")}
    for gate, (colour, line) in gates.items():
        decay.plot(steps, gate**steps, line, color=colour, label=f"gate {gate}")
    decay.set(xlabel="steps", ylabel="share of memory left", ylim=(0, 1.02))
    decay.legend(loc="upper right", ncols=2)
    biases = np.linspace(-2, 6, 161)
    half.plot(biases, trials.half_life(sigmoid(biases)), color=BLUE)
    for bias in (0.0, 1.0, 3.0, 5.0):
        value = trials.half_life(sigmoid(bias))
        half.plot(bias, value, "o", color=VERMILLION, markersize=4)
        half.annotate(f"{value:.3g}", (bias, value), (5, -9), textcoords="offset points")
    half.set(yscale="log", xlabel="what the gate's sigmoid receives", ylabel="steps to lose half")
    save(drawn, path)


def paths(path: Path, surface: trials.Surface, across: tuple, up: tuple, levels: np.ndarray) -> None:
    """Draw the paths of the four optimizers on one surface, each at the best of the rates tried."""
    drawn, grid = figure(5.2, 2, 2, sharex=True, sharey=True)
    w1, w2 = np.meshgrid(np.linspace(*across, 121), np.linspace(*up, 91))
    heights = surface.loss(np.stack([w1, w2], -1))
    for (name, style), axes in zip(OPTIMIZERS.items(), grid.flat, strict=True):
        found = trials.best_rate(name, surface)
        points = trials.descend(name, surface, np.array(found.rate), found.steps).points
        shown = np.concatenate([points[:50], points[50 :: max(1, found.steps // 100)]])
        axes.contour(w1, w2, heights, levels, colors="#bbbbbb", linewidths=0.6)
        axes.plot(*points.T, color=style["color"], linewidth=0.9)
        axes.plot(*shown.T, "o", color=style["color"], markersize=2)
        axes.plot(*surface.start, "s", color=BLACK, markersize=5)
        axes.plot(*surface.minimum, "*", color=ORANGE, markeredgecolor=BLACK, markersize=10)
        axes.set(
            title=f"{style['label']}:\n{found.steps:,} steps at rate {found.rate:.2g}", xlim=across, ylim=up
        )
        axes.grid(False)
    for axes in grid[1]:
        axes.set_xlabel("$w_1$")
    for axes in grid[:, 0]:
        axes.set_ylabel("$w_2$")
    save(drawn, path)


def first_steps(path: Path, steps: int = 300) -> None:
    """Draw the length of the first steps under a gradient that is always 1."""
    drawn, axes = figure(3.6)
    t = np.arange(1, steps + 1)
    for name, style in OPTIMIZERS.items():
        axes.plot(t, trials.step_lengths(name, steps), **style, zorder=3 if name == "sgd" else 2)
    uncorrected = trials.uncorrected_adam_lengths(steps)
    axes.plot(t, uncorrected, color=BLUE, linewidth=0.8, label="Adam without bias correction")
    axes.set(xscale="log", xlabel="step", ylabel="length of the step in learning rates", ylim=(0, 10.5))
    drawn.legend(loc="outside lower center", ncols=2)
    save(drawn, path)


def step_costs(
    path: Path, megabytes: dict[str, float], optimizers: dict[str, float], cells: dict[str, float]
) -> None:
    """Draw bars of each optimizer's state (MB) and step (ms), and each recurrent layer (µs per token)."""
    drawn, panels = figure(5.4, 3)
    labels = [style["label"] for style in OPTIMIZERS.values()]
    bars(panels[0], labels, megabytes.values(), "MB", "Optimizer state")
    bars(panels[1], labels, optimizers.values(), "ms", "Step of the optimizer")
    bars(panels[2], ["LSTM", "GRU", "larger GRU"], cells.values(), "µs a token", "Recurrent layer")
    save(drawn, path)


def bars(axes: Axes, labels: list[str], values: list[float], unit: str, title: str) -> None:
    """Draw horizontal bars, each with its value."""
    drawn = axes.barh(labels, list(values), color=SKY, edgecolor=BLACK, linewidth=0.6)
    axes.bar_label(drawn, [f"{value:.2g}" for value in values], padding=3)
    axes.set(xlabel=unit, title=title, xlim=(0, 1.3 * max(values)))
    axes.invert_yaxis()
    axes.grid(False)
