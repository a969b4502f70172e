"""Draws the figures: reports/metrics, reports/curves, reports/timings -> reports/figures."""

from pathlib import Path

import pandas as pd

from stages import params
from stages.errors import run
from stages.files import read_json, replacing_folder
from stages.results.figures import models, study, timings
from stages.results.figures.drawing import draw

CURVES = Path("reports/curves")
METRICS = Path("reports/metrics")
TIMINGS = Path("reports/timings")


def main() -> None:
    params.load()
    cells = ("lstm", "gru")
    evaluation = {
        name: read_json(METRICS / f"{name}.json") for name in (*cells, "tfidf", "length", "majority")
    }
    prevalence = evaluation["majority"]["average_precision"]
    sweep = read_json(METRICS / "sweep.json")
    with replacing_folder("reports/figures") as folder:
        draw(folder / "training", models.training_curves, tables("{}", cells))
        draw(folder / "comparison", models.comparison, evaluation, prevalence)
        curves = tables("precision_recall_{}", [*cells, "tfidf", "length"])
        draw(folder / "precision_recall", models.precision_recall, curves, prevalence)
        draw(folder / "confusion", models.confusion, tables("confusion_{}", cells))
        grid = pd.read_csv(CURVES / "sweep_grid.csv")
        draw(folder / "sensitivity", study.sensitivity, grid, prevalence)
        by_epoch = [pd.read_csv(CURVES / f"sweep_{name}.csv") for name in ("train_loss", "average_precision")]
        draw(folder / "optimizers", study.optimizers, *by_epoch, sweep["best"])
    trainings = {cell: read_json(TIMINGS / f"{cell}.json") for cell in cells}
    draw(TIMINGS / "wall_clock", timings.wall_clock, trainings, read_json(TIMINGS / "sweep.json")["best"])


def tables(pattern: str, names) -> dict[str, pd.DataFrame]:
    return {name: pd.read_csv(CURVES / f"{pattern.format(name)}.csv") for name in names}


if __name__ == "__main__":
    run(main)
