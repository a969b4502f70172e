"""Trains one cell of the optimizer study: `python -m stages.sweep adam-0.001`.

Every cell starts from the same weights, sees the same batches in the same order and differs in
nothing but the optimizer and its learning rate.
"""

import argparse
from pathlib import Path

from spoilers.core import params
from spoilers.core.errors import run
from spoilers.studies.cell import run_cell


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cell", help="as it stands in params.yaml: the outputs are named after it")
    cell = parser.parse_args().cell
    optimizer, _, rate = cell.partition("-")
    run_cell(
        optimizer,
        float(rate),
        params.load(),
        Path("data/study_data/sweep"),
        Path("data/sweep") / cell,
        Path(f"reports/timings/sweep/{cell}.json"),
    )


if __name__ == "__main__":
    run(main)
