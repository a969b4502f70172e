"""Draws the figures: data/results, reports/curves, reports/timings -> reports/figures."""

from pathlib import Path

import pandas as pd

from spoilers.core import params
from spoilers.core.errors import run
from spoilers.core.files import read_json, replacing_folder
from spoilers.report.figures import curves, data, gates, models, network, study, timings
from spoilers.report.figures.drawing import draw

CURVES, RESULTS, TIMINGS = Path("reports/curves"), Path("data/results"), Path("reports/timings")


def main() -> None:
    settings = params.load()
    comparison, of_gates, sweep = (
        read_json(RESULTS / f"{name}.json") for name in ("comparison", "gates", "sweep")
    )
    scores, networks = comparison["models"], comparison["networks"]
    prevalence = scores["majority"]["average_precision"]
    grid, runs = pd.read_csv(CURVES / "sweep/grid.csv"), pd.read_csv(CURVES / "sweep/runs.csv")
    with replacing_folder("reports/figures") as folder:
        data.draw_all(folder, read_json(RESULTS / "data.json"), pd.read_csv(CURVES / "review_lengths.csv"))
        draw(folder / "network", network.network, settings.model)
        draw(folder / "training", models.training_curves, tables("{}", networks))
        draw(folder / "comparison", models.comparison, scores, prevalence)
        draw(folder / "seeds", models.seeds, comparison["trainings"])
        curved = [*networks, "tfidf"]
        thresholds = {name: scores[name]["threshold"] for name in curved}
        draw(
            folder / "f1_by_threshold",
            models.f1_by_threshold,
            tables("test/threshold_{}", curved),
            thresholds,
        )
        by_recall = tables("test/precision_recall_{}", [*curved, "length"])
        draw(folder / "precision_recall", curves.precision_recall, by_recall, prevalence)
        draw(folder / "calibration", curves.calibration, comparison["calibration"], prevalence)
        draw(folder / "gates", gates.gates, pd.read_parquet(RESULTS / "gates.parquet"), of_gates["tokens"])
        study.draw_all(folder, grid, runs, sweep, settings.train.clip_norm)

    # Wall-clock figures stay outside the report, so that it repeats byte for byte.
    times, goals = read_json(TIMINGS / "sweep.json")["best"], sweep["study"]["goals"]
    draw(TIMINGS / "optimizers", timings.optimizers, runs, times, goals)
    speeds = read_json(TIMINGS / "inference.json")["tokens_per_second"]
    seconds = {name: mean_seconds(read_json(TIMINGS / f"{name}.json")) for name in speeds}
    draw(TIMINGS / "quality_and_cost", timings.quality_and_cost, scores, seconds, speeds)


def mean_seconds(times: dict) -> float:
    """Return the seconds of a training; for a network, the mean over its seeds."""
    seconds = times["training_seconds"]
    return sum(seconds.values()) / len(seconds) if isinstance(seconds, dict) else seconds


def tables(pattern: str, names: list[str]) -> dict[str, pd.DataFrame]:
    return {name: pd.read_csv(CURVES / f"{pattern.format(name)}.csv") for name in names}


if __name__ == "__main__":
    run(main)
