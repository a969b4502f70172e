"""Trains one network on the training reviews: `python -m stages.train lstm`, or `gru`."""

import argparse
from pathlib import Path

from spoilers.core import params
from spoilers.core.allocator import keep_freed_memory
from spoilers.core.errors import UserError, run
from spoilers.core.files import replacing_folder, write_json
from spoilers.models import devices
from spoilers.models import folder as model_folder
from spoilers.models.network import CELLS
from spoilers.training import processes
from spoilers.training.checkpoints import Checkpoint
from spoilers.training.describe import describe, timings
from spoilers.training.loop import Diverged
from spoilers.training.prepare import VOCABULARY, Choice, determining, prepare, read_data

SPLITS = Path("data/splits")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cell", choices=CELLS)
    cell = parser.parse_args().cell
    settings = params.load()
    device = devices.choose(settings.machine.device)
    keep_freed_memory()
    processes.start(device)
    data = read_data(SPLITS, settings.model, settings.train.max_tokens)
    rate = getattr(settings.optimizers, settings.optimizer).learning_rate
    choice = Choice(cell, settings.optimizer, rate, settings.seed)
    checkpoint = Checkpoint(
        *determining(choice, SPLITS, settings, device), settings.machine.checkpoint_seconds
    )
    curve = Path(f"reports/curves/{cell}.csv")
    watched = {"checkpoint": checkpoint, "name": cell, "curve": curve}
    training = prepare(choice, data, settings.model, settings.train, settings.optimizers, device, **watched)
    try:
        progress = training.run()
    except Diverged as diverged:
        checkpoint.remove()
        raise UserError(
            f"train_{cell}: {diverged}; lower optimizers.{settings.optimizer}.learning_rate in params.yaml"
        ) from diverged

    if processes.is_first():
        write_json(f"reports/timings/{cell}.json", timings(training))
        description = describe(cell, training, data, settings)
        how = settings.clean.mask_spoiler_word, settings.tokenize.lowercase
        with replacing_folder(f"data/models/{cell}") as folder:
            model_folder.save(folder, cell, progress.best_weights, description, SPLITS / VOCABULARY, *how)
        checkpoint.remove()
        summary = description["training"]
        precision, epoch = summary["validation_average_precision"], summary["best_epoch"]
        print(f"{cell}: validation average precision {precision:.4f} at epoch {epoch:g}")
    processes.stop()


if __name__ == "__main__":
    run(main)
