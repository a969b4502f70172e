"""The figures of the optimizer study are drawn whatever was studied, and whatever diverged."""

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from spoilers.report.figures import study, timings
from spoilers.report.figures.drawing import MARKERS, optimizer_style
from spoilers.report.names import LAYERS, NAMES
from spoilers.report.style import STYLE

AVERAGED = (
    *("gradient_norm", "gradient_norm_sd", "clipped"),
    *(f"{kind}_{layer}" for kind in ("effective_step", "update_ratio") for layer in LAYERS),
)


@pytest.fixture(autouse=True)
def style() -> Iterator[None]:
    with plt.style.context(STYLE):
        yield


CHOICES = [
    (("sgd", "momentum", "rmsprop", "adam"), ()),
    (("adam", "sgd"), ("sgd",)),
    (("rmsprop",), ()),
    (("adam",), ("adam",)),
]


def tables(names: tuple, lost: tuple) -> tuple[pd.DataFrame, pd.DataFrame, dict, list[dict]]:
    """Make grid, runs, summary and timings of optimizers at two rates; `lost` ones diverged at both."""
    good = [name for name in names if name not in lost]
    grid = pd.DataFrame(
        {"optimizer": name, "learning_rate": rate, "average_precision": 0.4, "lowest": 0.3, "highest": 0.5}
        | {"diverged": int(name in lost or rate > 1)}
        for name in names
        for rate in (0.1, 10.0)
    )
    grid.loc[grid["diverged"] == 1, ["average_precision", "lowest", "highest"]] = np.nan
    rows = [
        {"choice": choice, "optimizer": name, "seed": seed, "epoch": epoch, "average_precision": 0.3}
        | {"train_loss": 0.5, "validation_loss": 0.6, **dict.fromkeys(AVERAGED, 0.1)}
        for choice in ("shared", "best")
        for name in good
        for seed in (1, 2)
        for epoch in (1.0, 2.0)
    ]
    runs = pd.DataFrame(rows) if rows else pd.DataFrame(columns=["choice", "optimizer"])
    shared = [{"optimizer": name, "learning_rate": 0.1, "diverged": int(name in lost)} for name in names]
    summary = {"study": {"prevalence": 0.25}, "shared": shared}
    times = [{"optimizer": name, "seconds_at_evaluations": [1.0, 2.0]} for name in good]
    return grid, runs, summary, times


@pytest.mark.parametrize(("names", "lost"), CHOICES)
@pytest.mark.filterwarnings("error")
def test_any_part_of_the_study(names, lost) -> None:
    grid, runs, summary, times = tables(names, lost)
    best = runs[runs["choice"] == "best"]
    good = len(names) - len(lost)
    drawn = {
        "sensitivity": study.sensitivity(grid, summary),
        "optimizers": study.optimizers(best, 0.25),
        "effective steps": study.effective_steps(best),
        "gradient norms": study.gradient_norms(best, 1.0),
        "seconds": timings.optimizers(runs, times, {"50": 0.3}),
    }
    lines = {
        name: sum(line.get_label() in NAMES.values() for axes in figure.axes for line in axes.lines)
        for name, figure in drawn.items()
    }
    for figure in drawn.values():
        figure.draw_without_rendering()
        plt.close(figure)
    # A line for each optimizer that did not diverge, in each panel.
    assert lines["optimizers"] == 3 * good
    assert lines["effective steps"] == 3 * good
    assert lines["gradient norms"] == 2 * good
    assert lines["seconds"] == 2 * good
    assert lines["sensitivity"] == len(names)


def test_diverged_cells_are_marked() -> None:
    grid, _, summary, _ = tables(("adam", "sgd"), ("sgd",))
    (axes,) = study.sensitivity(grid, summary).axes
    crosses = [line for line in axes.lines if line.get_marker() == "x"]
    assert [list(line.get_xdata()) for line in crosses] == [[10.0], [0.1, 10.0]]
    assert {text.get_text() for text in axes.texts} == {"Adam diverged", "SGD diverged"}


def test_optimizers_are_told_apart_without_colour() -> None:
    styles = [optimizer_style(name) for name in MARKERS]
    for key in ("color", "marker", "linestyle"):
        assert len({str(style[key]) for style in styles}) == 4
