"""One cell of the optimizer study: an optimizer, a learning rate, a few seeds."""

import math
from concurrent.futures import ProcessPoolExecutor
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
from spoilers.models import devices, vectors
from spoilers.models.build import architecture, build, check
from spoilers.models.scoring import score, sigmoid
from spoilers.text.reviews import Reviews, load
from spoilers.text.vocabulary import Vocabulary
from spoilers.training.loop import Diverged, Training
from spoilers.training.loss import loss_of
from spoilers.training.optimizers import make, state_bytes

DIVERGED = 2.0  # times the untrained model's loss; clipping keeps most losses finite that have run away


def run_cell(
    name: OptimizerName, learning_rate: float, settings: Params, splits: Path, output: Path, timing: Path
) -> None:
    """Train every seed; write `curves.csv`, `runs.json` and `test.parquet` to `output`, seconds to `timing`.

    The seeds run side by side, each in a process with one thread: small models do not gain from
    more, and so the numbers do not depend on how many cells run at once.
    """
    seeds = range(settings.seed, settings.seed + settings.sweep.seeds)
    words = Vocabulary.load(splits / "vocabulary.txt")
    known = settings.model.vectors and vectors.read(
        settings.model.vectors, words, settings.model.embedding_size
    )
    workers = min(len(seeds), len(available_cores()))
    with ProcessPoolExecutor(workers, initializer=end_with_parent) as pool:
        jobs = [pool.submit(train_seed, name, learning_rate, settings, splits, seed, known) for seed in seeds]
        runs = [job.result() for job in jobs]
    with replacing_folder(output) as folder:
        rows = [row for run in runs for row in run["history"]]
        write_text(folder / "curves.csv", to_csv(rows) if rows else "")
        summary = {str(seed): run["summary"] for seed, run in zip(seeds, runs, strict=True)}
        write_json(folder / "runs.json", summary)
        columns = {str(seed): run["test"] for seed, run in zip(seeds, runs, strict=True)}
        pq.write_table(pa.table(columns), folder / "test.parquet", compression="zstd")
    write_json(timing, {str(seed): run["timings"] for seed, run in zip(seeds, runs, strict=True)})
    precisions = [run["summary"]["average_precision"] for run in runs if not run["summary"]["diverged"]]
    outcome = f"average precision {np.mean(precisions):.4f}" if precisions else "diverged"
    print(f"{name} at {learning_rate:g}: {outcome}")


def train_seed(
    name: OptimizerName,
    learning_rate: float,
    settings: Params,
    splits: Path,
    seed: int,
    known: vectors.WordVectors | None = None,
) -> dict:
    """Train one model; a run that diverges says so and has no test scores.

    Diverged is a run whose loss or gradient is no longer finite, or whose training loss ends above
    `DIVERGED` times what it was before the first step.
    """
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)  # a run that has diverged is full of subnormal numbers: ten times slower
    keep_freed_memory()
    sweep = settings.sweep
    loop_settings = study_settings(settings)
    device = devices.choose(settings.machine.device)
    train = choose_reviews(load(splits / "train.parquet", sweep.max_tokens), sweep.reviews, settings.seed)
    validation, test = (load(splits / f"{part}.parquet", sweep.max_tokens) for part in ("validation", "test"))
    check(train, splits / "train.parquet")
    check(validation, splits / "validation.parquet")
    vocabulary = Vocabulary.load(splits / "vocabulary.txt")
    arguments = architecture(sweep.cell, settings.model, len(vocabulary))
    model = build(arguments, train, seed, known, settings.model.freeze_vectors).to(device)
    optimizer = make(getattr(settings.optimizers, name).settings, learning_rate, model.parameters())
    training = Training(model, optimizer, train, validation, loop_settings, seed)
    progress, problem = training.progress, None
    untrained = loss_of(score(model, train, device, loop_settings.precision), train, loop_settings)
    try:
        training.run()
        final = progress.history[-1]["train_loss"]
        if final > DIVERGED * untrained:
            raise Diverged(f"the training loss ended at {final:.4g}, and was {untrained:.4g} before training")
    except Diverged as diverged:
        problem = str(diverged)
    trained = sum(parameter.numel() for parameter in model.parameters())
    summary = {
        "diverged": problem is not None,
        "problem": problem,
        "average_precision": progress.best if progress.history else None,
        "best_epoch": progress.history[progress.best_row]["epoch"] if progress.history else None,
        "steps": progress.step,
        "state_bytes_per_parameter": state_bytes(optimizer) / trained,
    }
    probabilities = np.full(len(test), np.nan, np.float32)
    if problem is None:
        probabilities = sigmoid(score(model, test, device, loop_settings.precision).reviews)
    timings = {
        "seconds": progress.seconds,
        "seconds_per_step": progress.elapsed / progress.step if progress.step else None,
    }
    size = loop_settings.batch_size
    history = [
        {"seed": seed, "reviews": reviews_seen(row["step"], len(train), size), **row}
        for row in progress.history
    ]
    return {"history": history, "summary": summary, "test": probabilities, "timings": timings}


def reviews_seen(step: int, reviews: int, batch_size: int) -> int:
    """How many reviews `step` batches held; the last batch of an epoch holds what is left."""
    epochs, batches = divmod(step, math.ceil(reviews / batch_size))
    return epochs * reviews + batches * batch_size


def study_settings(settings: Params) -> Train:
    """The training's settings with the study's lengths, and without early stopping."""
    sweep = settings.sweep
    changes = {"epochs": sweep.epochs, "patience": sweep.epochs, "max_tokens": sweep.max_tokens}
    return settings.train.model_copy(update=changes)


def choose_reviews(reviews: Reviews, count: int, seed: int) -> Reviews:
    """`count` of the reviews, the same for every cell and seed of the study."""
    order = np.random.default_rng(seed).permutation(len(reviews))
    return reviews.choose(order[:count])
