"""Compares the optimizers: data/sweep -> reports/metrics/sweep.json, reports/curves/sweep*.csv."""

from pathlib import Path

import pyarrow.parquet as pq

from stages import params
from stages.errors import run
from stages.files import write_json, write_text
from stages.results.study import curve_table, grid_table, read_cells, summarize, timing_table
from stages.results.tables import to_csv


def main() -> None:
    settings = params.load().sweep
    cells = read_cells(Path("data/sweep"), settings)
    labels = pq.read_table("data/splits/test.parquet", columns=["label"])["label"].to_numpy()
    summary = summarize(cells, labels, settings)
    write_json("reports/metrics/sweep.json", summary)
    write_text("reports/curves/sweep_grid.csv", to_csv(grid_table(cells, settings)))
    for column in ("validation_loss", "average_precision", "train_loss"):
        write_text(f"reports/curves/sweep_{column}.csv", to_csv(curve_table(cells, summary, column)))
    write_json("reports/timings/sweep.json", timing_table(cells, summary))
    for best in summary["best"]:
        precision = best["validation_average_precision"]
        print(f"{best['optimizer']:9} best at {best['learning_rate']:g}: {precision:.4f}")


if __name__ == "__main__":
    run(main)
