"""Draws the figures: reports/metrics, reports/curves, reports/timings -> reports/figures."""

from pathlib import Path

import pandas as pd

from spoilers.core import params
from spoilers.core.errors import run
from spoilers.core.files import read_json, replacing_folder
from spoilers.report.figures import curves, data, errors, gates, leakage, models, slices, study, timings
from spoilers.report.figures.drawing import draw

CURVES = Path("reports/curves")
METRICS = Path("reports/metrics")
TIMINGS = Path("reports/timings")
CELLS = ("lstm", "gru")


def main() -> None:
    settings = params.load()
    comparison = read_json(METRICS / "comparison.json")
    scores = {row["model"]: row for row in comparison["models"]}
    prevalence = scores["majority"]["average_precision"]
    sweep = read_json(METRICS / "sweep.json")
    with replacing_folder("reports/figures") as folder:
        draw_data(folder, read_json(METRICS / "data.json"))
        draw(folder / "training", models.training_curves, tables("{}", CELLS))
        draw(folder / "comparison", models.comparison, scores, prevalence)
        curved = [*CELLS, "tfidf", "length"]
        by_recall = tables("precision_recall_{}", curved)
        draw(folder / "precision_recall", curves.precision_recall, by_recall, prevalence)
        draw(folder / "roc", curves.roc, tables("roc_{}", curved))
        draw(folder / "calibration", curves.calibration, comparison["calibration"], prevalence)
        draw(folder / "confusion", models.confusion, tables("confusion_{}", CELLS))
        thresholds = {cell: scores[cell]["threshold"] for cell in CELLS}
        predictions = pd.read_parquet("data/predictions/test.parquet")
        draw(folder / "errors", errors.probabilities, predictions, thresholds)
        draw(folder / "slices", slices.score_by_slice, read_json(METRICS / "slices.json")["slices"])
        draw(folder / "leakage", leakage.leaks, *read_json(METRICS / "leakage.json").values())
        tokens = read_json(METRICS / "gates.json")["tokens"]
        draw(folder / "gates", gates.gates, pd.read_parquet("data/gates.parquet"), tokens)
        grid, runs = (pd.read_csv(CURVES / f"sweep_{name}.csv") for name in ("grid", "runs"))
        draw(folder / "sensitivity", study.sensitivity, grid, sweep)
        draw(folder / "optimizers", study.optimizers, runs, sweep)
        draw(folder / "differences", study.differences, sweep)
        draw(folder / "effective_steps", study.effective_steps, runs, sweep)
        draw(folder / "gradient_norms", study.gradient_norms, runs, sweep, settings.train.clip_norm)

    # What is measured by the clock stays beside the report, which repeats byte for byte.
    draw(TIMINGS / "optimizers", timings.optimizers, runs, read_json(TIMINGS / "sweep.json")["best"])
    inference = read_json(TIMINGS / "inference.json")["inference"]
    speeds = {row["model"]: row["tokens_per_second"] for row in inference}
    seconds = {name: read_json(TIMINGS / f"{name}.json")["training_seconds"] for name in speeds}
    draw(TIMINGS / "quality_and_cost", timings.quality_and_cost, scores, seconds, speeds)


def draw_data(folder: Path, found: dict) -> None:
    """What the reviews have: dates, ratings or flagged sentences may be missing, or all be alike."""
    draw(folder / "data_lengths", data.lengths, pd.read_csv(CURVES / "review_lengths.csv"))
    reviews = {row["class"]: row["reviews"] for row in found["classes"]}
    prevalence = reviews["spoiler"] / sum(reviews.values())
    several = {key: found[f"{key}s"] for key in ("rating", "year") if len(found[f"{key}s"]) > 1}
    if several:
        draw(folder / "data_shares", data.spoiler_shares, several, prevalence)
    if found["places"]:
        draw(folder / "data_positions", data.positions, found["positions"])
    if found["words"]:
        draw(folder / "data_words", data.words, found["words"], found["words_tested"][0]["bound"])


def tables(pattern: str, names) -> dict[str, pd.DataFrame]:
    return {name: pd.read_csv(CURVES / f"{pattern.format(name)}.csv") for name in names}


if __name__ == "__main__":
    run(main)
