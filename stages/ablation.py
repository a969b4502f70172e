"""Trains the network of one change: `python -m stages.ablation no_dropout`."""

import argparse
from pathlib import Path

from spoilers.core import params
from spoilers.core.errors import UserError, run
from spoilers.studies.ablation import run_change
from spoilers.training.loop import Diverged


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("change", help="its name in params.yaml, `ablation.changes`")
    name = parser.parse_args().change
    output, timings = Path(f"data/ablation/{name}.json"), Path(f"reports/timings/ablation/{name}.json")
    try:
        run_change(name, params.load(), Path("data/study_data/ablation"), output, timings)
    except Diverged as diverged:
        raise UserError(
            f"ablation@{name}: {diverged}; correct it in params.yaml: ablation.changes"
        ) from diverged


if __name__ == "__main__":
    run(main)
