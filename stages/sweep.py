"""Trains one cell of the optimizer study: `python -m stages.sweep adam 0.001`.

Every cell starts from the same weights, sees the same batches in the same order and differs in
nothing but the optimizer and its learning rate.
"""

import argparse
from pathlib import Path

from spoilers.core import params
from spoilers.core.errors import run
from spoilers.studies.cell import run_cell


def main() -> None:
    arguments = parse_arguments()
    timing = Path("reports/timings/sweep") / f"{arguments.output.name}.json"
    name, rate = arguments.optimizer, arguments.learning_rate
    run_cell(name, rate, params.load(), Path("data/splits"), arguments.output, timing)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("optimizer")
    parser.add_argument("learning_rate", type=float)
    parser.add_argument("output", type=Path, help="folder for the cell's curves and predictions")
    return parser.parse_args()


if __name__ == "__main__":
    run(main)
