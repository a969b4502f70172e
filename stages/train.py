"""Trains one network on the training reviews: `python -m stages.train lstm`, or `gru`.

data/models holds the training with `seed` itself, data/seeds those with the seeds after it.
"""

import argparse
from pathlib import Path

from spoilers.core import params
from spoilers.core.errors import UserError, run
from spoilers.core.files import replacing_folder, write_json
from spoilers.models import devices
from spoilers.models import folder as model_folder
from spoilers.models.network import CELLS
from spoilers.training import processes
from spoilers.training.loop import Diverged
from spoilers.training.prepare import VOCABULARY, Choice
from spoilers.training.seeds import Trained, timings, trained

SPLITS = Path("data/splits")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cell", choices=CELLS)
    cell = parser.parse_args().cell
    settings = params.load()
    processes.start(devices.choose(settings.machine.device))
    rate = getattr(settings.optimizers, settings.optimizer).learning_rate
    choice = Choice(cell, settings.optimizer, rate, settings.seed)
    try:
        with trained(choice, settings, SPLITS, cell, Path(f"reports/curves/{cell}.csv")) as networks:
            if processes.is_first():
                write(cell, networks, settings)
    except Diverged as diverged:
        raise UserError(
            f"train_{cell}: {diverged}; lower optimizers.{settings.optimizer}.learning_rate in params.yaml"
        ) from diverged
    processes.stop()


def write(cell: str, networks: list[Trained], settings: params.Params) -> None:
    """Save each network, and the training times."""
    how = SPLITS / VOCABULARY, settings.clean.mask_spoiler_word, settings.tokenize.lowercase
    first, *others = networks
    write_json(f"reports/timings/{cell}.json", timings(networks))
    with replacing_folder(f"data/seeds/{cell}") as folder:
        for network in others:
            (folder / str(network.seed)).mkdir()
            model_folder.save(folder / str(network.seed), cell, network.weights, network.description, *how)
    with replacing_folder(f"data/models/{cell}") as folder:
        model_folder.save(folder, cell, first.weights, first.description, *how)
    for network in networks:
        summary = network.description["training"]
        precision, epoch = summary["validation_average_precision"], summary["best_epoch"]
        print(f"{cell}, seed {network.seed}: validation average precision {precision:.4f} at epoch {epoch:g}")


if __name__ == "__main__":
    run(main)
