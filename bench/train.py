"""Measure training and inference on reviews of Goodreads' lengths.

`python -m bench.train` puts a table into bench/README.md. It measures, in one run, each way in a
process of its own:

- ours: the project's complete training steps and inference, including loading and batching;
- kernel: PyTorch's recurrent layer alone, forward and backward, on the same shapes of batches;
- today: TensorDataset, padding to 500 tokens, shuffled batches, nn.LSTM(bidirectional=True), the last
  hidden state and the C library's own settings for memory;
- tfidf: TF-IDF of words and pairs with logistic regression.

The first two alternate, and the table has their medians, since a machine's speed varies over time.

`REVIEWS=2000` is a quick look. `DEVICE=cuda` measures a GPU, beside cuDNN alone, in batches of up to 512.
The last column says whether the same training gave the same bytes twice.
"""

import hashlib
import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from torch import nn

from bench import page
from spoilers.core import params
from spoilers.core.allocator import keep_freed_memory
from spoilers.core.parallel import prefetch
from spoilers.models import devices
from spoilers.models.baselines import fit
from spoilers.models.batches import epoch_order, in_order_of_length, padded, padding_share
from spoilers.models.network import CELLS
from spoilers.models.scoring import TOKENS, score
from spoilers.text.reviews import Reviews, concatenate
from spoilers.training.loop import Training
from spoilers.training.prepare import Choice, Data, prepare

WORDS = 20_000
SPLIT = 965_000  # reviews in a training split of the Goodreads file
LONGEST = 500
MEDIAN, MEAN, MOST = 115, 200, 3500  # words per review in the Goodreads file
SENTENCE = 12.2, 15  # median and mean of the words per sentence there; one in twenty sentences has over 35
# The size of the embedding and of each direction's state, and the reviews in a batch.
SHAPES = ((64, 64), (64, 128), (128, 64))
ROUNDS = {"cpu": 3, "cuda": 1}  # a GPU's speed does not vary over time
REPEATS = {"cpu": 3, "cuda": 6}  # but its host's does within a second
SEED = 13
GPU_SHAPES = ((64, 64), (128, 128), (128, 512))
DEVICE = devices.choose(os.environ.get("DEVICE", "cpu"))
HEADINGS = {"cpu": "## Training", "cuda": "## Training on a GPU"}
MARKS = {"cpu": "training", "cuda": "training on a GPU"}


# The reviews.


@cache
def make_reviews(count: int, longest: int = LONGEST) -> Reviews:
    """Return reviews of Zipf's words, with sentences, of log-normal lengths up to `longest`."""
    draw = np.random.default_rng(SEED)
    lengths = log_normal(draw, MEDIAN, MEAN, count).clip(1, MOST)
    ends = np.cumsum(np.minimum(lengths, longest))
    # A sentence ends after its number of words, or where its review ends.
    cuts = np.cumsum(log_normal(draw, *SENTENCE, ends[-1] // 8).clip(1))
    cuts = np.union1d(cuts[cuts < ends[-1]], ends)
    sentence_ends = np.searchsorted(cuts, ends, side="right")
    chances = 1 / (np.arange(WORDS - 2) + 2.7)
    ids = 2 + draw.choice(WORDS - 2, ends[-1], p=chances / chances.sum()).astype(np.int32)
    labels = (draw.random(count) < 0.065).astype(np.float32)
    flags = np.repeat(labels, np.diff(sentence_ends, prepend=0)) * (draw.random(len(cuts)) < 0.3)
    sentence_lengths = np.diff(cuts, prepend=0).astype(np.int32)
    places = np.zeros(len(cuts), np.int32)
    return Reviews(ids, ends, sentence_lengths, sentence_ends, labels, flags.astype(np.float32), places)


def log_normal(draw: np.random.Generator, median: float, mean: float, count: int) -> np.ndarray:
    """Draw whole numbers from a log-normal distribution, int64."""
    spread = np.sqrt(2 * np.log(mean / median))  # mean = median * exp(spread**2 / 2)
    return np.exp(draw.normal(np.log(median), spread, count)).astype(np.int64)


def settings_for(size: int, batch: int, precision: str) -> params.Params:
    settings = params.load()
    model = {"embedding_size": size, "hidden_size": size, "layers": 1, "bidirectional": True}
    model |= {"vectors": None, "freeze_vectors": False}
    train = {"batch_size": batch, "max_tokens": LONGEST, "precision": precision}
    return settings.model_copy(
        update={
            "model": settings.model.model_copy(update=model),
            "train": settings.train.model_copy(update=train),
        }
    )


def clock(work: Callable[[], object]) -> float:
    """Return the seconds until the work is done, on the device too."""
    wait()
    began = time.perf_counter()
    work()
    wait()
    return time.perf_counter() - began


def wait() -> None:
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()


def steady(work: Callable[[], object]) -> float:
    """Return the time of the best of some runs, after a first that compiles a kernel for each shape."""
    work()
    return min(clock(work) for _ in range(REPEATS[DEVICE.type]))


# What is measured. Each returns numbers for the table.


def prepare_training(cell: str, size: int, batch: int, precision: str, reviews: Reviews) -> Training:
    settings = settings_for(size, batch, precision)
    choice = Choice(cell, "adam", settings.optimizers.adam.learning_rate, SEED)
    data = Data(reviews, reviews, WORDS, None)
    return prepare(choice, data, settings.model, settings.train, settings.optimizers, DEVICE)


def train_epoch(training: Training) -> None:
    """Take an epoch's steps as `Training.run` does, without its validations."""
    for share in prefetch(itertools.islice(training.shares(0, 0), training.batches_per_epoch)):
        training.step(share)
    training.read()


def ours(cell: str, size: int, batch: int, precision: str, count: int) -> dict[str, float]:
    """Measure whole training steps, the share of them that loading and batching take, and inference.

    Loading reads a split as large as that of the Goodreads file, which repeats the reviews many times.
    """
    keep_freed_memory()
    reviews = make_reviews(count)
    training = prepare_training(cell, size, batch, precision, reviews)
    order = epoch_order(reviews.lengths, batch, SEED, 0)
    split = concatenate([reviews] * max(SPLIT // count, 1))
    large = prepare_training(cell, size, batch, precision, split)

    def load() -> None:
        for rows in epoch_order(reviews.lengths, batch, SEED, 0):
            devices.move(large.share(rows + len(split) - count), DEVICE)

    seconds = steady(lambda: train_epoch(training))
    scored = steady(lambda: score(training.model, reviews, DEVICE, precision))
    return {
        "training": len(reviews.ids) / seconds,
        "reviews": count / seconds,
        "milliseconds": 1e3 * seconds / len(order),
        "loading": steady(load) / seconds,
        "inference": len(reviews.ids) / scored,
        "padding": padding_share(reviews.lengths, order),
        "repeats": float(weights_of(cell, size, batch, reviews) == weights_of(cell, size, batch, reviews)),
    }


def weights_of(cell: str, size: int, batch: int, reviews: Reviews) -> bytes:
    """Train a few steps from the start; return a hash of the weights."""
    training = prepare_training(cell, size, batch, "float32", reviews)
    for share in itertools.islice(training.shares(0, 0), 10):
        training.step(share)
    weights = b"".join(weight.detach().cpu().numpy().tobytes() for weight in training.weights)
    return hashlib.sha256(weights).digest()


def kernel(cell: str, size: int, batch: int, precision: str, count: int) -> dict[str, float]:
    """Run the recurrent layer in both directions on prepared batches of the same shapes."""
    keep_freed_memory()
    reviews = make_reviews(count)
    torch.manual_seed(SEED)
    if DEVICE.type == "cuda":  # where one call for both directions is the fastest
        layers = [CELLS[cell](size, size, bidirectional=True).to(DEVICE)]
    else:
        layers = [CELLS[cell](size, size) for _ in range(2)]

    def shapes(batches) -> list[tuple[int, int]]:
        return [(padded(int(reviews.lengths[rows].max())), len(rows)) for rows in batches]

    def forward(shape: tuple[int, int], learns: bool) -> list[torch.Tensor]:
        with devices.autocast(DEVICE, precision, CELLS[cell]):
            inputs = torch.zeros(*shape, size, requires_grad=learns, device=DEVICE)
            return [rnn(inputs)[0] for rnn in layers]

    def train() -> None:
        for shape in shapes(epoch_order(reviews.lengths, batch, SEED, 0)):
            outputs = forward(shape, learns=True)
            torch.autograd.backward(outputs, [torch.ones_like(o) for o in outputs])

    @torch.inference_mode()
    def infer() -> None:
        for shape in shapes(in_order_of_length(reviews.lengths, TOKENS[DEVICE.type])):
            forward(shape, learns=False)

    tokens = len(reviews.ids)
    return {"training": tokens / steady(train), "inference": tokens / steady(infer)}


class Usual(nn.Module):
    """The usual model: the last hidden state of a bidirectional layer, with padding read as words."""

    def __init__(self, cell: str, size: int):
        super().__init__()
        self.embedding = nn.Embedding(WORDS, size, padding_idx=0)
        self.rnn = CELLS[cell](size, size, bidirectional=True, batch_first=True)
        self.dropout = nn.Dropout(0.3)
        self.output = nn.Linear(2 * size, 1)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        states = self.rnn(self.embedding(ids))[1]  # (directions, reviews, size), and the LSTM's cells
        states = states[0] if isinstance(states, tuple) else states
        return self.output(self.dropout(torch.cat([states[-2], states[-1]], dim=1))).squeeze(1)


def today(cell: str, size: int, batch: int, precision: str, count: int) -> dict[str, float]:
    reviews = make_reviews(count)
    torch.manual_seed(SEED)
    ids = np.zeros((count, LONGEST), np.int64)
    ids[np.arange(LONGEST) < reviews.lengths[:, None]] = reviews.ids
    data = torch.utils.data.TensorDataset(torch.from_numpy(ids), torch.from_numpy(reviews.labels))
    batches = torch.utils.data.DataLoader(data, batch, shuffle=True)
    model = Usual(cell, size).to(DEVICE)
    optimizer = torch.optim.Adam(model.parameters())

    def train() -> None:
        model.train()
        for words, labels in batches:
            optimizer.zero_grad()
            with devices.autocast(DEVICE, precision, CELLS[cell]):
                logits = model(words.to(DEVICE))
            nn.functional.binary_cross_entropy_with_logits(logits.float(), labels.to(DEVICE)).backward()
            optimizer.step()

    @torch.inference_mode()
    def infer() -> None:
        model.eval()
        for words, _ in batches:
            with devices.autocast(DEVICE, precision, CELLS[cell]):
                model(words.to(DEVICE))

    seconds, tokens = steady(train), len(reviews.ids)
    return {"training": tokens / seconds, "reviews": count / seconds, "inference": tokens / steady(infer)}


def tfidf(count: int) -> dict[str, float]:
    """Time the baseline stage's fit, over all strengths of regularisation, and its prediction."""
    settings = params.load().baseline
    reviews, few = make_reviews(count, MOST), make_reviews(max(count // 5, 100), MOST)
    began = time.perf_counter()
    models = fit(reviews, few, WORDS, settings)
    seconds = time.perf_counter() - began
    predicting = clock(lambda: models.probabilities(reviews))
    return {"reviews": count / seconds, "inference": count / predicting}


WAYS = {"ours": ours, "kernel": kernel, "today": today}


def measure(way: str, *arguments: object) -> dict[str, float]:
    """Measure in a fresh process on a CPU, as the allocator's settings last as long as a process."""
    if DEVICE.type == "cuda":
        return WAYS[way](*arguments)
    command = [sys.executable, "-m", "bench.train", way, *map(str, arguments)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def compare(cell: str, size: int, batch: int, precision: str, count: int) -> dict[str, float]:
    """Return `ours`, its ratios to the kernel's numbers, and today's way in reviews per second."""
    shape = (cell, size, batch, precision)
    turns = [
        (measure("ours", *shape, count), measure("kernel", *shape, count)) for _ in range(ROUNDS[DEVICE.type])
    ]
    found = {key: statistics.median(ours[key] for ours, _ in turns) for key in turns[0][0]}
    for key in ("training", "inference"):
        found[f"{key} of kernel"] = statistics.median(ours[key] / kernel[key] for ours, kernel in turns)
    few = max(count // 5, 2 * batch)  # every batch of today's way has the same shape
    return found | {"today": measure("today", *shape, few)["reviews"]}


# The table.


def tabulate(count: int) -> str:
    """Measure every shape; return the table as Markdown."""
    lines = [
        describe(count),
        "",
        "| | size | batch | | training | ms a step | of the kernel alone | times today's way"
        " | loading and batching | inference | of the kernel alone | same bytes twice |",
        "|---|--:|--:|---|--:|--:|--:|--:|--:|--:|--:|---|",
    ]
    precisions = ("float32",)
    if DEVICE.type == "cpu" and devices.has_bfloat16("cpu", nn.LSTM):
        precisions = ("float32", "bfloat16")  # on a GPU it gains nothing at these sizes
    shapes = SHAPES if DEVICE.type == "cpu" else GPU_SHAPES
    first = {}
    for cell, (size, batch), precision in itertools.product(CELLS, shapes, precisions):
        found = compare(cell, size, batch, precision, max(count, 100 * batch if DEVICE.type == "cuda" else 0))
        first = first or found
        lines.append(row(cell, size, batch, precision, found))
        print(lines[-1], flush=True)
    if DEVICE.type == "cpu":
        lines += ["", in_reviews(first, count)]
    return "\n".join(lines) + "\n"


def describe(count: int) -> str:
    lengths = make_reviews(count, MOST).lengths
    where = threads()
    if DEVICE.type == "cuda":
        versions = f"CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}"
        where = f"{torch.cuda.get_device_name()}, {versions}"
    many = f"{count:,}" if DEVICE.type == "cpu" else "100 batches of"
    return (
        f"{many} synthetic reviews of Goodreads' lengths (median {np.median(lengths):.0f}, mean"
        f" {lengths.mean():.0f} words, cut to {LONGEST}), {WORDS:,} words, {where}, PyTorch"
        f" {torch.__version__}. Thousands of real tokens a second; padding counts for nothing."
    )


def threads() -> str:
    """Return the number of PyTorch's threads, in words."""
    number = torch.get_num_threads()
    return "1 thread" if number == 1 else f"{number} threads"


def row(cell: str, size: int, batch: int, precision: str, found: dict[str, float]) -> str:
    return (
        f"| {cell.upper()} | {size} | {batch} | {precision} | {found['training'] / 1e3:,.0f}"
        f" | {found['milliseconds']:.1f} | {found['training of kernel']:.2f}"
        f" | {found['reviews'] / found['today']:.1f} | {found['loading']:.1%}"
        f" | {found['inference'] / 1e3:,.0f} | {found['inference of kernel']:.2f}"
        f" | {'yes' if found['repeats'] else 'no'} |"
    )


def in_reviews(found: dict[str, float], count: int) -> str:
    """Return a sentence on reviews per second, beside TF-IDF."""
    simple = measure("tfidf", count)
    lengths = make_reviews(count, MOST).lengths
    return (
        f"In reviews a second: the LSTM of size {SHAPES[0][0]} in batches of {SHAPES[0][1]} trains on"
        f" {found['reviews']:,.0f} (one epoch), today's way on {found['today']:,.0f}, TF-IDF with logistic"
        f" regression on {simple['reviews']:,.0f} (the whole fit, with the choice of its regularisation); it"
        f" predicts {simple['inference']:,.0f}. Padding is {found['padding']:.0%} of those batches and"
        f" {1 - lengths.clip(max=LONGEST).mean() / LONGEST:.0%} of today's."
    )


def main() -> None:
    mark = MARKS[DEVICE.type]
    marks = f"<!-- {mark}: begin -->", f"<!-- {mark}: end -->"
    page.put(HEADINGS[DEVICE.type], *marks, tabulate(int(os.environ.get("REVIEWS", 3200))))


if __name__ == "__main__":
    if len(sys.argv) > 1:  # in a child process
        way, *arguments = sys.argv[1:]
        if way == "tfidf":
            print(json.dumps(tfidf(int(arguments[0]))))
        else:
            cell, size, batch, precision, count = arguments
            print(json.dumps(WAYS[way](cell, int(size), int(batch), precision, int(count))))
    else:
        main()
