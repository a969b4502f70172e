"""Draws the figures: reports/metrics, reports/curves, reports/timings -> reports/figures."""

from pathlib import Path

import pandas as pd

from stages import params
from stages.errors import run
from stages.files import read_json, replacing_folder
from stages.results.figures import data, gates, models, study, timings
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
        draw_data(folder, read_json(METRICS / "data.json"))
        draw(folder / "training", models.training_curves, tables("{}", cells))
        draw(folder / "comparison", models.comparison, evaluation, prevalence)
        curves = tables("precision_recall_{}", [*cells, "tfidf", "length"])
        draw(folder / "precision_recall", models.precision_recall, curves, prevalence)
        draw(folder / "confusion", models.confusion, tables("confusion_{}", cells))
        tokens = read_json(METRICS / "gates.json")["tokens"]
        draw(folder / "gates", gates.gates, pd.read_parquet("data/gates.parquet"), tokens)
        grid, runs = (pd.read_csv(CURVES / f"sweep_{name}.csv") for name in ("grid", "runs"))
        draw(folder / "sensitivity", study.sensitivity, grid, sweep)
        draw(folder / "optimizers", study.optimizers, runs, sweep)
        draw(folder / "differences", study.differences, sweep)
        draw(folder / "effective_steps", study.effective_steps, runs, sweep)
        draw(folder / "gradient_norms", study.gradient_norms, runs, sweep, settings.train.clip_norm)
    draw(TIMINGS / "wall_clock", timings.wall_clock, {c: read_json(TIMINGS / f"{c}.json") for c in cells})
    draw(TIMINGS / "optimizers", timings.optimizers, runs, read_json(TIMINGS / "sweep.json")["best"])


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
