"""One network trained from several seeds, which change only initial weights, batches and dropout."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from spoilers.core.allocator import keep_freed_memory
from spoilers.core.files import partial_of, scratch_folder
from spoilers.core.params import Params
from spoilers.models import devices
from spoilers.models.vectors import WordVectors
from spoilers.text.arrays import map_arrays, write_arrays
from spoilers.text.reviews import AT_ONCE, ReviewFile
from spoilers.training import processes
from spoilers.training.checkpoints import Checkpoint, digest
from spoilers.training.describe import describe
from spoilers.training.loop import Diverged
from spoilers.training.prepare import TRAIN, VALIDATION, Choice, Data, determining, prepare, read_data
from spoilers.training.watch import Watch
from spoilers.training.workers import Tell, side_by_side

SCRATCH = Path(".cache/training")


@dataclass(frozen=True)
class Trained:
    """The result of training from one seed."""

    seed: int
    weights: dict[str, np.ndarray]  # the best
    description: dict  # model.json
    seconds: float
    epochs: float
    tokens: int  # trained on


@dataclass(frozen=True)
class Job:
    """One seed's training, as passed to a process."""

    choice: Choice
    settings: Params
    reviews: Path  # the folder with the arrays of the reviews
    words: int
    vectors: WordVectors | None
    checkpoint: Checkpoint


@contextmanager
def trained(
    choice: Choice, settings: Params, splits: Path, name: str, curve: Path | None = None
) -> Iterator[list[Trained]]:
    """Train a network from `train.seeds` seeds, beginning with the choice's; yield all the results.

    On a CPU the trainings run side by side, each in one thread: small networks do not gain from more, and
    the results then do not depend on the number of cores. An interrupted training resumes from its
    checkpoint. Checkpoints are kept until the block succeeds, as its writing can be interrupted too.

    Raises:
        Diverged: one training diverged; all checkpoints have been deleted.
        KeyboardInterrupt: on SIGINT or SIGTERM; all have saved a checkpoint.
    """
    device = devices.choose(settings.machine.device)
    checkpoints = checkpoints_of(choice, settings, splits, device)
    with shared(splits, settings.train.max_tokens, name) as folder:
        data = read_data(splits, settings.model, lambda path: map_arrays(folder / path.stem))
        tokens = len(data.train.ids) * settings.train.epochs * settings.train.seeds
        jobs = [
            Job(replace(choice, seed=seed), settings, folder, data.words, data.vectors, checkpoint)
            for seed, checkpoint in checkpoints.items()
        ]
        try:
            with Watch(name, tokens, curve) as watch:
                found = side_by_side(train_seed, jobs, device, settings.machine.workers, watch)
        except Diverged:
            remove(checkpoints)
            raise
    yield found
    remove(checkpoints)


def remove(checkpoints: dict[int, Checkpoint]) -> None:
    for checkpoint in checkpoints.values():
        checkpoint.remove()


def checkpoints_of(
    choice: Choice, settings: Params, splits: Path, device: torch.device
) -> dict[int, Checkpoint]:
    """Return the checkpoint of each seed."""
    key = digest(*determining(choice, splits, settings, device))
    seeds = range(choice.seed, choice.seed + settings.train.seeds)
    return {seed: Checkpoint(f"{key}-{seed}", settings.machine.checkpoint_seconds) for seed in seeds}


@contextmanager
def shared(splits: Path, max_tokens: int, name: str) -> Iterator[Path]:
    """Yield a folder with the reviews' arrays, which all processes of this machine map into memory."""
    path = SCRATCH / name
    if not processes.is_first_here():
        processes.wait_for_all()
        yield partial_of(path)
        return
    with scratch_folder(path) as folder:
        for split in (splits / TRAIN, splits / VALIDATION):
            write_arrays(ReviewFile(split, max_tokens).blocks(AT_ONCE), folder / split.stem)
        processes.wait_for_all()
        yield folder


def train_seed(job: Job, tell: Tell) -> Trained:
    """Train one network in one thread; more threads would change the order of sums."""
    torch.set_num_threads(1)
    keep_freed_memory()
    settings, device = job.settings, devices.choose(job.settings.machine.device)
    data = Data(
        map_arrays(job.reviews / "train"), map_arrays(job.reviews / "validation"), job.words, job.vectors
    )
    watched = {"checkpoint": job.checkpoint, "tell": tell if processes.is_first() else None}
    training = prepare(
        job.choice, data, settings.model, settings.train, settings.optimizers, device, **watched
    )
    progress = training.run()
    epochs = progress.history[-1]["epoch"]
    return Trained(
        seed=job.choice.seed,
        weights={name: weights.numpy() for name, weights in progress.best_weights.items()},
        description=describe(job.choice, training, data, settings),
        seconds=progress.seconds[-1],
        epochs=epochs,
        tokens=round(len(data.train.ids) * epochs),
    )


def timings(trained: list[Trained]) -> dict:
    """Return wall-clock figures: seconds per seed and per epoch, one training's real tokens per second."""
    seconds = sum(one.seconds for one in trained)
    return {
        "training_seconds": {str(one.seed): round(one.seconds, 1) for one in trained},
        "seconds_per_epoch": round(seconds / sum(one.epochs for one in trained), 2),
        "tokens_per_second": round(sum(one.tokens for one in trained) / seconds),
    }
