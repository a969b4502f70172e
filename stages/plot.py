"""Draws the figures: data/results, reports/curves, reports/timings -> reports/figures."""

from pathlib import Path

import pandas as pd

from spoilers.core import params
from spoilers.core.errors import run
from spoilers.core.files import read_json, replacing_folder
from spoilers.report.figures import curves, data, errors, gates, leakage, models, slices, study, timings
from spoilers.report.figures.drawing import draw

CURVES, RESULTS, TIMINGS = Path("reports/curves"), Path("data/results"), Path("reports/timings")


def main() -> None:
    settings = params.load()
    names = ("comparison", "data", "gates", "leakage", "slices", "sweep")
    results = {name: read_json(RESULTS / f"{name}.json") for name in names}
    scores, networks = results["comparison"]["models"], results["comparison"]["networks"]
    prevalence = scores["majority"]["average_precision"]
    grid, runs = pd.read_csv(CURVES / "sweep/grid.csv"), pd.read_csv(CURVES / "sweep/runs.csv")
    with replacing_folder("reports/figures") as folder:
        data.draw_all(folder, results["data"], pd.read_csv(CURVES / "review_lengths.csv"))
        draw(folder / "training", models.training_curves, tables("{}", networks))
        draw(folder / "comparison", models.comparison, scores, prevalence)
        curved = [*networks, "tfidf", "length"]
        by_recall = tables("test/precision_recall_{}", curved)
        draw(folder / "precision_recall", curves.precision_recall, by_recall, prevalence)
        draw(folder / "roc", curves.roc, tables("test/roc_{}", curved))
        draw(folder / "calibration", curves.calibration, results["comparison"]["calibration"], prevalence)
        draw(folder / "confusion", models.confusion, tables("test/confusion_{}", networks))
        thresholds = {name: scores[name]["threshold"] for name in networks}
        predictions = pd.read_parquet("data/predictions/test.parquet")
        draw(folder / "errors", errors.probabilities, predictions, thresholds)
        draw(folder / "slices", slices.score_by_slice, results["slices"]["slices"])
        draw(folder / "leakage", leakage.leaks, results["leakage"])
        activations = pd.read_parquet(RESULTS / "gates.parquet")
        draw(folder / "gates", gates.gates, activations, results["gates"]["tokens"])
        study.draw_all(folder, grid, runs, results["sweep"], settings.train.clip_norm)

    # What is measured by the clock stays beside the report, which repeats byte for byte.
    draw(TIMINGS / "optimizers", timings.optimizers, runs, read_json(TIMINGS / "sweep.json")["best"])
    speeds = read_json(TIMINGS / "inference.json")["tokens_per_second"]
    seconds = {name: mean_seconds(TIMINGS / f"{name}.json") for name in speeds}
    draw(TIMINGS / "quality_and_cost", timings.quality_and_cost, scores, seconds, speeds)


def mean_seconds(path: Path) -> float:
    """Return the seconds of a training; of a network, which is trained several times, their mean."""
    seconds = read_json(path)["training_seconds"]
    return sum(seconds.values()) / len(seconds) if isinstance(seconds, dict) else seconds


def tables(pattern: str, names: list[str]) -> dict[str, pd.DataFrame]:
    return {name: pd.read_csv(CURVES / f"{pattern.format(name)}.csv") for name in names}


if __name__ == "__main__":
    run(main)
