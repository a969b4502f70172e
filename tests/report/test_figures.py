"""Figures of sparse data, readable on a phone, and equal for equal numbers."""

import re

import pandas as pd
import pytest

from spoilers.core import params
from spoilers.report.figures import curves, models, network, timings
from spoilers.report.figures.drawing import draw
from tests.report.results import results

BIN = {"predicted": 0.5, "observed": 0.4, "reviews": 10, "spoilers": 4}
COLUMNS = [f"{name}{end}" for name in models.CURVES for end in ("", "_low", "_high")]
CURVE = pd.DataFrame({"epoch": [1.0], **dict.fromkeys(COLUMNS, 0.5)})
THRESHOLDS = pd.DataFrame({"threshold": [0.0, 1.0], "f1": [0.4, 0.0]})
MODEL = params.load().model
COMPARISON = results()["comparison"]
SCORES = COMPARISON["models"]
COSTS = {"lstm": 50.0, "gru": 70.0, "tfidf": 2.0}


@pytest.mark.parametrize(
    ("figure", "arguments"),
    [
        (network.network, [MODEL]),
        (network.network, [MODEL.model_copy(update={"bidirectional": False, "pooling": "last"})]),
        (models.training_curves, [{"gru": CURVE}]),
        (models.comparison, [SCORES, 0.2]),
        (models.comparison, [{"gru": SCORES["gru"] | {"low": 0.99}}, 0.2]),
        (models.seeds, [COMPARISON["trainings"]]),
        (models.seeds, [{name: rows[:1] for name, rows in COMPARISON["trainings"].items()}]),
        (models.f1_by_threshold, [{"gru": THRESHOLDS}, {"gru": 0.5}]),
        (curves.calibration, [{"gru": [BIN]}, 0.2]),
        (timings.quality_and_cost, [SCORES, COSTS, COSTS]),
    ],
)
def test_little_data_can_be_drawn(tmp_path, figure, arguments) -> None:
    draw(tmp_path / "first", figure, *arguments)
    draw(tmp_path / "second", figure, *arguments)
    drawn = (tmp_path / "first.svg").read_text()
    assert drawn == (tmp_path / "second.svg").read_text()
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["first.svg", "second.svg"]
    assert smallest_text(drawn) >= 9


def smallest_text(svg: str) -> float:
    """Return the smallest text size in pixels, for a figure as wide as a phone's text: 358 pixels."""
    width = float(re.search(r'<svg[^>]* width="([\d.]+)pt"', svg)[1])
    sizes = re.findall(r"font-size: ([\d.]+)px", svg)  # in the figure's own units, points
    assert sizes
    return min(map(float, sizes)) * 358 / width


def test_text_is_text(tmp_path) -> None:
    draw(tmp_path / "figure", models.comparison, SCORES, 0.2)
    assert "LSTM: 0.610" in (tmp_path / "figure.svg").read_text()


def test_a_line_with_the_mean_for_each_network() -> None:
    axes = models.seeds(COMPARISON["trainings"]).axes[0]
    lines = [line.get_xdata()[0] for line in axes.lines if list(line.get_ydata()) == [0, 1]]
    assert lines == pytest.approx([0.61, 0.63])
