"""Compares the changes of the ablation: data/ablation -> data/results/ablation.json."""

from pathlib import Path

from spoilers.core import params
from spoilers.core.errors import run
from spoilers.core.files import read_json, write_json
from spoilers.models.network import CELLS
from spoilers.studies.ablation import mean_of_seeds, summarize

VALIDATION = Path("data/study_data/ablation/validation.parquet")


def main() -> None:
    settings = params.load()
    names = list(settings.ablation.changes)
    rows = summarize({name: read_json(f"data/ablation/{name}.json") for name in names})
    means = {}
    for cell in CELLS:
        folders = [Path("data/models") / cell, *sorted(Path("data/seeds", cell).iterdir())]
        means[cell] = mean_of_seeds(folders, VALIDATION, settings.machine.device)
    write_json("data/results/ablation.json", {"changes": rows, "mean_of_seeds": means})
    seconds = {name: read_json(f"reports/timings/ablation/{name}.json") for name in names}
    write_json(
        "reports/timings/ablation.json",
        {name: round(sum(found.values()) / len(found), 1) for name, found in seconds.items()},
    )
    for row in rows:
        print(
            f"{row['change']:26} average precision {row['average_precision']:.4f} ({row['difference']:+.4f})"
        )


if __name__ == "__main__":
    run(main)
