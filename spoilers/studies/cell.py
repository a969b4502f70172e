"""One cell of the optimizer study: an optimizer at a learning rate, from a few seeds."""

import math
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from spoilers.core.allocator import keep_freed_memory
from spoilers.core.files import replacing_folder, write_json, write_text
from spoilers.core.parallel import end_with_parent
from spoilers.core.params import OptimizerName, Params, replace
from spoilers.metrics.tables import to_csv
from spoilers.models import devices
from spoilers.models.scoring import score, sigmoid
from spoilers.text.reviews import Reviews, load
from spoilers.training.checkpoints import Checkpoint, digest
from spoilers.training.loop import Diverged, Training
from spoilers.training.loss import base_rate_loss
from spoilers.training.optimizers import state_bytes
from spoilers.training.prepare import Choice, Data, determining, prepare, read_data
from spoilers.training.workers import context_for

DIVERGED = 2.0  # times the base-rate loss; clipping keeps most runaway losses finite
NOISE = 2.0  # standard errors above chance: an average precision below that may be chance
TEST = "test.parquet"
FINISHED = Path(".cache/study")  # a file for each seed that was trained


@dataclass(frozen=True)
class Run:
    """The result of one seed of a cell."""

    history: list[dict]  # one row per validation
    summary: dict
    test: np.ndarray  # float32 (test reviews): probabilities, NaN after divergence
    timings: dict


def run_cell(
    name: OptimizerName, learning_rate: float, settings: Params, reviews: Path, output: Path, timings: Path
) -> None:
    """Train every seed; write `curves.csv`, `runs.json` and `test.parquet` to `output`, and the timings.

    The seeds run side by side, each in a process with one thread: small models do not gain from
    more, and the results then do not depend on how many cells run at once. A seed that was already trained
    with the same settings is not trained again.
    """
    seeds = range(settings.seed, settings.seed + settings.sweep.seeds)
    settings = study_settings(settings)
    read = partial(load, max_tokens=settings.train.max_tokens)
    data, test = read_data(reviews, settings.model, read), read(reviews / TEST)
    context = context_for(torch.device("cpu"))  # this process leaves a GPU to its workers
    with ProcessPoolExecutor(len(seeds), context, initializer=end_with_parent) as pool:
        choices = [Choice(settings.sweep.cell, name, learning_rate, seed) for seed in seeds]
        jobs = [pool.submit(find_or_train, choice, settings, reviews, data, test) for choice in choices]
        runs = {str(seed): job.result() for seed, job in zip(seeds, jobs, strict=True)}
    write_json(timings, {seed: run.timings for seed, run in runs.items()})
    with replacing_folder(output) as folder:
        rows = [row for run in runs.values() for row in run.history]
        write_text(folder / "curves.csv", to_csv(rows) if rows else "")
        write_json(folder / "runs.json", {seed: run.summary for seed, run in runs.items()})
        columns = pa.table({seed: run.test for seed, run in runs.items()})
        pq.write_table(columns, folder / TEST, compression="zstd")
    precisions = [run.summary["average_precision"] for run in runs.values() if not run.summary["diverged"]]
    outcome = f"average precision {np.mean(precisions):.4f}" if precisions else "diverged"
    print(f"{name} at {learning_rate:g}: {outcome}")


def study_settings(settings: Params) -> Params:
    """Return the settings with the study's lengths and batches, without early stopping or decay."""
    sweep = settings.sweep
    train = replace(
        settings.train,
        launcher="python -m",
        seeds=sweep.seeds,
        epochs=sweep.epochs,
        patience=sweep.epochs,
        batch_size=sweep.batch_size,
        max_tokens=sweep.max_tokens,
        rate_decay="none",
    )
    return settings.model_copy(update={"train": train})


def find_or_train(choice: Choice, settings: Params, reviews: Path, data: Data, test: Reviews) -> Run:
    """Train a seed, unless it was trained before with the same settings, data and code."""
    determined, files = determining(choice, reviews, settings, devices.choose(settings.machine.device))
    key = f"{digest(determined, [*files, reviews / TEST])}-{choice.seed}"
    finished = Checkpoint(key, settings.machine.checkpoint_seconds, FINISHED)
    state = finished.load()
    if state is None:
        run = train_seed(choice, settings, data, test)
        finished.save({**vars(run), "test": torch.from_numpy(run.test)})
        return run
    return Run(**{**state, "test": state["test"].numpy()})


def train_seed(choice: Choice, settings: Params, data: Data, test: Reviews) -> Run:
    """Train one model; a run that diverges is marked and has no test scores."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)  # a diverged run is full of subnormal numbers, ten times slower
    keep_freed_memory()
    train, device = settings.train, devices.choose(settings.machine.device)
    base = base_rate_loss(data.validation, train)

    def give_up(history: list[dict]) -> bool:
        return has_diverged(history, base) or has_learned_nothing(
            history, data.validation, base, train.epochs
        )

    training = prepare(
        choice, data, settings.model, train, settings.optimizers, device, fused=False, give_up=give_up
    )
    problem = train_or_diverge(training, base)
    progress, step = training.progress, training.progress.step
    probabilities = np.full(len(test), np.nan, np.float32)
    if problem is None:
        probabilities = sigmoid(score(training.model, test, device, train.precision).reviews)
    seconds = {"seconds": progress.seconds, "seconds_per_step": progress.elapsed / step if step else None}
    history = [
        {
            "seed": choice.seed,
            "reviews": reviews_seen(row["step"], len(data.train), train.batch_size),
            **row,
        }
        for row in progress.history
    ]
    return Run(history, summarize(training, problem, base), probabilities, seconds)


def has_diverged(history: list[dict], base: float) -> bool:
    """Return whether the last training loss is above `DIVERGED` times the base-rate loss."""
    return history[-1]["train_loss"] > DIVERGED * base


def has_learned_nothing(history: list[dict], validation: Reviews, base: float, epochs: int) -> bool:
    """Return whether to end a run halfway through its epochs, since nothing suggests that it learns.

    That is so if no validation loss was below the base-rate loss, and no average precision exceeded chance
    by more than `NOISE` standard errors of a share among that many spoilers.
    """
    if history[-1]["epoch"] < epochs / 2:
        return False
    share, spoilers = float(validation.labels.mean()), float(validation.labels.sum())
    chance = share + NOISE * math.sqrt(share * (1 - share) / spoilers)
    return all(row["validation_loss"] >= base and row["average_precision"] <= chance for row in history)


def train_or_diverge(training: Training, base: float) -> str | None:
    """Train; return why the run counts as diverged, or None.

    A run has diverged if its loss or gradient is no longer finite, or its last training loss is above
    `DIVERGED` times the base-rate loss.
    """
    try:
        training.run()
    except Diverged as diverged:
        return str(diverged)
    history = training.progress.history
    if has_diverged(history, base):
        return (
            f"the training loss was {history[-1]['train_loss']:.4g} at last; knowing nothing gives {base:.4g}"
        )
    return None


def summarize(training: Training, problem: str | None, base: float) -> dict:
    """Summarize a run in a few numbers."""
    progress, settings = training.progress, training.settings
    trained = sum(parameter.numel() for parameter in training.model.parameters())
    epochs = progress.history[-1]["epoch"] if progress.history else 0.0
    return {
        "diverged": problem is not None,
        "problem": problem,
        "ended_early": epochs < settings.epochs,
        "average_precision": progress.best if progress.history else None,
        "best_epoch": progress.history[progress.best_row]["epoch"] if progress.history else None,
        "steps": progress.step,
        "base_rate_loss": base,
        "state_bytes_per_parameter": state_bytes(training.optimizer) / trained,
    }


def reviews_seen(step: int, reviews: int, batch_size: int) -> int:
    """Return how many reviews `step` batches held; the last batch of an epoch holds what is left."""
    epochs, batches = divmod(step, math.ceil(reviews / batch_size))
    return epochs * reviews + batches * batch_size
