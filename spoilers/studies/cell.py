"""One run of the optimizer study: an optimizer at a learning rate, from a few seeds."""

import math
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from spoilers.core.allocator import keep_freed_memory
from spoilers.core.files import replacing_folder, write_json, write_text
from spoilers.core.parallel import available_cores, end_with_parent
from spoilers.core.params import OptimizerName, Params, Train
from spoilers.metrics.tables import to_csv
from spoilers.models import devices
from spoilers.models.scoring import score, sigmoid
from spoilers.text.reviews import Reviews, load
from spoilers.training.loop import Diverged, Training
from spoilers.training.loss import loss_of
from spoilers.training.optimizers import state_bytes
from spoilers.training.prepare import Choice, Data, prepare, read_data

DIVERGED = 2.0  # times the untrained model's loss; clipping keeps most losses finite that have run away


@dataclass(frozen=True)
class Run:
    """What one seed of a cell gave."""

    history: list[dict]  # one row per validation
    summary: dict
    test: np.ndarray  # float32 (test reviews): probabilities, NaN after divergence
    timings: dict


def run_cell(
    name: OptimizerName, learning_rate: float, settings: Params, splits: Path, output: Path, timings: Path
) -> None:
    """Train every seed; write `curves.csv`, `runs.json` and `test.parquet` to `output`, and the timings.

    The seeds run side by side, each in a process with one thread: small models do not gain from
    more, and so the numbers do not depend on how many cells run at once.
    """
    seeds = range(settings.seed, settings.seed + settings.sweep.seeds)
    data, test = read_study(splits, settings)
    workers = min(len(seeds), len(available_cores()))
    with ProcessPoolExecutor(workers, initializer=end_with_parent) as pool:
        choices = [Choice(settings.sweep.cell, name, learning_rate, seed) for seed in seeds]
        jobs = [pool.submit(train_seed, choice, settings, data, test) for choice in choices]
        runs = {str(seed): job.result() for seed, job in zip(seeds, jobs, strict=True)}
    write_json(timings, {seed: run.timings for seed, run in runs.items()})
    with replacing_folder(output) as folder:
        rows = [row for run in runs.values() for row in run.history]
        write_text(folder / "curves.csv", to_csv(rows) if rows else "")
        write_json(folder / "runs.json", {seed: run.summary for seed, run in runs.items()})
        columns = pa.table({seed: run.test for seed, run in runs.items()})
        pq.write_table(columns, folder / "test.parquet", compression="zstd")
    precisions = [run.summary["average_precision"] for run in runs.values() if not run.summary["diverged"]]
    outcome = f"average precision {np.mean(precisions):.4f}" if precisions else "diverged"
    print(f"{name} at {learning_rate:g}: {outcome}")


def read_study(splits: Path, settings: Params) -> tuple[Data, Reviews]:
    """Return what every cell trains on, a fixed choice of the training reviews, and the test reviews."""
    data = read_data(splits, settings.model, settings.sweep.max_tokens)
    chosen = choose_reviews(data.train, settings.sweep.reviews, settings.seed)
    return replace(data, train=chosen), load(splits / "test.parquet", settings.sweep.max_tokens)


def train_seed(choice: Choice, settings: Params, data: Data, test: Reviews) -> Run:
    """Train one model; a run that diverges says so and has no test scores."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)  # a run that has diverged is full of subnormal numbers: ten times slower
    keep_freed_memory()
    train, device = study_settings(settings), devices.choose(settings.machine.device)
    training = prepare(choice, data, settings.model, train, settings.optimizers, device)
    problem = train_or_diverge(training)
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
    return Run(history, summarize(training, problem), probabilities, seconds)


def train_or_diverge(training: Training) -> str | None:
    """Train; return why the run counts as diverged, or None.

    Diverged is a run whose loss or gradient is no longer finite, or whose training loss ends above
    `DIVERGED` times what it was before the first step.
    """
    model, train, settings = training.model, training.train, training.settings
    untrained = loss_of(score(model, train, training.device, settings.precision), train, settings)
    try:
        training.run()
    except Diverged as diverged:
        return str(diverged)
    final = training.progress.history[-1]["train_loss"]
    if final > DIVERGED * untrained:
        return f"the training loss ended at {final:.4g}, and was {untrained:.4g} before training"
    return None


def summarize(training: Training, problem: str | None) -> dict:
    progress = training.progress
    trained = sum(parameter.numel() for parameter in training.model.parameters())
    return {
        "diverged": problem is not None,
        "problem": problem,
        "average_precision": progress.best if progress.history else None,
        "best_epoch": progress.history[progress.best_row]["epoch"] if progress.history else None,
        "steps": progress.step,
        "state_bytes_per_parameter": state_bytes(training.optimizer) / trained,
    }


def reviews_seen(step: int, reviews: int, batch_size: int) -> int:
    """Return how many reviews `step` batches held; the last batch of an epoch holds what is left."""
    epochs, batches = divmod(step, math.ceil(reviews / batch_size))
    return epochs * reviews + batches * batch_size


def study_settings(settings: Params) -> Train:
    """Return the training's settings with the study's lengths, and without early stopping."""
    sweep = settings.sweep
    changes = {"epochs": sweep.epochs, "patience": sweep.epochs, "max_tokens": sweep.max_tokens}
    return settings.train.model_copy(update=changes)


def choose_reviews(reviews: Reviews, count: int, seed: int) -> Reviews:
    """Return `count` of the reviews, the same for every cell and seed of the study."""
    order = np.random.default_rng(seed).permutation(len(reviews))
    return reviews.choose(order[:count])
