"""Figures of data with little in them."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from spoilers.report.figures import curves, errors, leakage, models, slices
from spoilers.report.figures.drawing import draw

SLICE = {"by": "length", "slice": "1 to 64 tokens", "model": "lstm", "reviews": 9, "spoilers": 1}
SPLIT = {
    "average_precision": 0.6,
    "low": 0.5,
    "high": 0.7,
    "length_only": 0.3,
    "prevalence": 0.2,
}
BIN = {"predicted": 0.5, "observed": 0.4, "reviews": 10, "spoilers": 4}
ONE = pd.DataFrame({"label": [False], "lstm": [0.3]})


@pytest.mark.parametrize(
    ("figure", "arguments"),
    [
        (slices.score_by_slice, [[]]),
        (slices.score_by_slice, [[SLICE]]),
        (slices.score_by_slice, [[SLICE | {"roc_auc": 0.2}]]),
        (leakage.leaks, [{"splits": {}, "word": None}]),
        (leakage.leaks, [{"splits": {"random": SPLIT}, "word": None}]),
        (leakage.leaks, [{"splits": {"book": SPLIT}, "word": {"average_precision_without": 0.5}}]),
        (curves.calibration, [{"gru": [BIN]}, 0.2]),
        (errors.probabilities, [ONE, {"lstm": 0.5}]),
        (models.confusion, [ONE, {"lstm": 0.5}]),
    ],
)
def test_little_data_can_be_drawn(tmp_path, figure, arguments) -> None:
    draw(tmp_path / "first", figure, *arguments)
    draw(tmp_path / "second", figure, *arguments)
    assert (tmp_path / "first.svg").read_bytes() == (tmp_path / "second.svg").read_bytes()
    assert (tmp_path / "first.svg").stat().st_size > 1000
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["first.svg", "second.svg"]


def test_the_confusion_figure_counts_every_review() -> None:
    """`dvc plots` shows 5,000 of them; the report shows all."""
    labels = [True] * 2_000 + [False] * 10_000
    predictions = pd.DataFrame({"label": labels, "lstm": [0.9] * 1_500 + [0.1] * 10_499 + [0.9]})
    figure = models.confusion(predictions, {"lstm": 0.5})
    shown = [text.get_text().splitlines()[0] for text in figure.axes[0].texts]
    plt.close(figure)
    assert shown == ["9,999", "1", "500", "1,500"]
