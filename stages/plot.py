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
    settings = params.load()
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
        grid, runs = (pd.read_csv(CURVES / f"sweep_{name}.csv") for name in ("grid", "runs"))
        draw(folder / "sensitivity", study.sensitivity, grid, sweep)
        draw(folder / "optimizers", study.optimizers, runs, sweep)
        draw(folder / "differences", study.differences, sweep)
        draw(folder / "effective_steps", study.effective_steps, runs, sweep)
        draw(folder / "gradient_norms", study.gradient_norms, runs, sweep, settings.train.clip_norm)
    draw(TIMINGS / "wall_clock", timings.wall_clock, {c: read_json(TIMINGS / f"{c}.json") for c in cells})
    draw(TIMINGS / "optimizers", timings.optimizers, runs, read_json(TIMINGS / "sweep.json")["best"])


def tables(pattern: str, names) -> dict[str, pd.DataFrame]:
    return {name: pd.read_csv(CURVES / f"{pattern.format(name)}.csv") for name in names}


if __name__ == "__main__":
    run(main)
