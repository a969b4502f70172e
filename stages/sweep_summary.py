"""Compares the optimizers: data/sweep -> data/results/sweep.json, reports/curves/sweep."""

from pathlib import Path

import pandas as pd

from spoilers.core import params
from spoilers.core.errors import run
from spoilers.core.files import write_json, write_text
from spoilers.studies.optimizers import (
    curve_table,
    grid_table,
    read_cells,
    read_splits,
    remove_stale_cells,
    run_table,
    summarize,
    timing_table,
)

CELLS, TIMINGS = Path("data/sweep"), Path("reports/timings/sweep")


def main() -> None:
    settings = params.load()
    remove_stale_cells(CELLS, TIMINGS, settings.sweep)
    cells = read_cells(CELLS, TIMINGS, settings.sweep)
    splits = read_splits(Path("data/study_data/sweep"))
    summary = summarize(cells, splits, settings.sweep, settings.evaluate, settings.seed)
    write_json("data/results/sweep.json", summary)
    write_table("grid", grid_table(cells))
    runs = run_table(cells, summary)
    write_table("runs", runs)
    for column in ("validation_loss", "average_precision", "train_loss"):
        write_table(column, curve_table(runs, column))
    write_json("reports/timings/sweep.json", timing_table(cells, summary))
    for best in summary["best"]:
        precision = best["validation_average_precision"]
        print(f"{best['optimizer']:9} best at {best['learning_rate']:g}: {precision:.4f}")


def write_table(name: str, table: pd.DataFrame) -> None:
    text = table.to_csv(index=False, float_format="%.6g", lineterminator="\n")
    write_text(f"reports/curves/sweep/{name}.csv", text)


if __name__ == "__main__":
    run(main)
