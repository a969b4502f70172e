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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("optimizer")
    parser.add_argument("learning_rate", help="as it stands in params.yaml: the outputs are named after it")
    arguments = parser.parse_args()
    name = f"{arguments.optimizer}-{arguments.learning_rate}"
    run_cell(
        arguments.optimizer,
        float(arguments.learning_rate),
        params.load(),
        Path("data/splits"),
        Path("data/sweep") / name,
        Path("reports/timings/sweep") / f"{name}.json",
    )


if __name__ == "__main__":
    run(main)
