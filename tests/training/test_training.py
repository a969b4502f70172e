"""`python -m stages.train`, killed and resumed, in several processes, and with bad input."""

import csv
import json
import os
import random
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
import torch

from spoilers.core import params
from spoilers.core.errors import UserError, run
from spoilers.models import devices
from spoilers.models import folder as model_folder
from spoilers.models.network import CELLS
from spoilers.training.checkpoints import FOLDER, Checkpoint, digest
from spoilers.training.loop import Share, Training
from spoilers.training.prepare import Choice
from spoilers.training.seeds import checkpoints_of
from spoilers.training.watch import CURVES, Update, Watch, mean_curve
from stages import train
from tests.rnn_data import ROOT, WORDS, table, write_project

OUTPUTS = [f"data/models/{{cell}}/model.{kind}" for kind in ("safetensors", "json")] + [
    "reports/curves/{cell}.csv"
]
# Groups of tests begin first, so that these do not keep one worker busy when the other is done.
EARLY = pytest.mark.xdist_group("trainings")
TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
NO_DROPOUT = {f"model.{kind}_dropout": 0.0 for kind in ("embedding", "state", "word")}


def outputs(folder: Path, cell: str = "lstm") -> dict[str, bytes]:
    """Return all reproducible outputs: all but the timings."""
    return {name: (folder / name.format(cell=cell)).read_bytes() for name in OUTPUTS}


def start(folder: Path, *launcher: str, threads: str = "1") -> subprocess.Popen:
    command = [sys.executable, *launcher, "-m", "stages.train", "lstm"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": threads, "PYTHONUNBUFFERED": "1"}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=pipe, stderr=pipe, text=True)


def finish(process: subprocess.Popen) -> str:
    out, problems = process.communicate(timeout=600)
    assert process.returncode == 0, problems
    return out


def disturb(folder: Path, number: int, lines: int, pause: float, *launcher: str) -> int:
    """Start a training, wait for some lines of its output and a moment more, send a signal."""
    process = start(folder, *launcher)
    for _ in range(lines):
        assert process.stdout.readline(), process.stderr.read()
    time.sleep(pause)
    process.send_signal(number)
    process.communicate(timeout=300)
    return process.returncode


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Use one thread, as in the subprocesses: more do not help models this small."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def train_here(folder: Path, monkeypatch, cell: str = "lstm") -> None:
    """Train in this process."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["train", cell])
    run(train.main)


# Resuming.

LONG = {"train.epochs": 12, "train.patience": 12}


@EARLY
def test_stopped_three_times(tmp_path, monkeypatch):
    """Kill it before it trains, then interrupt and kill it in training."""
    whole, folder = (
        write_project(tmp_path / name, LONG | {"machine.checkpoint_seconds": 0.005})
        for name in ("whole", "stopped")
    )
    draw = random.Random(7)
    assert disturb(folder, signal.SIGKILL, 0, draw.uniform(0, 2)) == -signal.SIGKILL
    assert disturb(folder, signal.SIGINT, draw.randint(1, 4), draw.uniform(0, 0.1)) == 130
    assert disturb(folder, signal.SIGKILL, draw.randint(1, 4), draw.uniform(0, 0.1)) == -signal.SIGKILL
    assert not (folder / "data/models").exists()
    assert "going on after step" in finish(start(folder))
    train_here(whole, monkeypatch)
    assert outputs(folder) == outputs(whole)
    assert not list((folder / FOLDER).glob("*.pt"))


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_interrupted_while_writing(tmp_path, monkeypatch, capsys, cell):
    other, folder = write_project(tmp_path / "other"), write_project(tmp_path / "project")
    train_here(other, monkeypatch, cell)
    real = model_folder.save

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(model_folder, "save", interrupted)
    with pytest.raises(SystemExit):
        train_here(folder, monkeypatch, cell)
    assert not list((folder / "data/models").iterdir())
    monkeypatch.setattr(model_folder, "save", real)
    capsys.readouterr()
    train_here(folder, monkeypatch, cell)
    assert "going on after step 60" in capsys.readouterr().out
    assert outputs(folder, cell) == outputs(other, cell)


def test_a_checkpoint_that_cannot_be_read_is_said_and_left(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    checkpoint = Checkpoint("some", 60.0)
    assert checkpoint.load() is None
    checkpoint.save({"step": 3})
    assert checkpoint.load() == {"step": 3}
    assert not capsys.readouterr().out
    checkpoint.path.write_bytes(checkpoint.path.read_bytes()[:-50])
    assert checkpoint.load() is None
    assert f"{checkpoint.path}: not as it was saved" in capsys.readouterr().out
    checkpoint.remove()
    checkpoint.remove()


def test_a_flipped_bit_is_never_loaded(tmp_path, monkeypatch, capsys):
    """Flip a bit per byte: training restarts and says so."""
    monkeypatch.chdir(tmp_path)
    checkpoint = Checkpoint("some", 60.0)
    state = {"weight": torch.arange(5.0), "progress": {"step": 3, "history": [0.5]}}
    checkpoint.save(state)
    whole = checkpoint.path.read_bytes()
    draw = random.Random(3)
    for at in range(len(whole)):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << draw.randrange(8)
        checkpoint.path.write_bytes(damaged)
        assert checkpoint.load() is None
        assert "training starts anew" in capsys.readouterr().out


def test_a_checkpoint_that_cannot_be_written_is_said(tmp_path, monkeypatch, capsys):
    """Limit files to 100 bytes; the checkpoint saved before is still there."""
    monkeypatch.chdir(tmp_path)
    checkpoint = Checkpoint("some", 60.0)
    checkpoint.save({"step": 3})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        checkpoint.save({"step": 4})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "no checkpoint was saved, training goes on (" in capsys.readouterr().err
    assert checkpoint.load() == {"step": 3}
    assert [path.name for path in checkpoint.path.parent.iterdir()] == [checkpoint.path.name]


def test_a_curve_that_cannot_be_written_is_said(tmp_path, capsys):
    """Go on after a failure midway, but expect the whole curve or an error."""
    row = {"epoch": 1.0, **dict.fromkeys(CURVES, 0.5)}
    taken = tmp_path / "taken"
    taken.write_text("no folder")
    with pytest.raises(UserError), Watch("lstm", 1, taken / "curve.csv") as watch:
        watch(Update(13, history=[row]))
        assert "the curve was not written, training goes on (" in capsys.readouterr().err
        taken.unlink()
        watch(Update(13, history=[row, row]))
        before = (taken / "curve.csv").read_text()
        (taken / "curve.csv").unlink()
        taken.rmdir()
        taken.write_text("no folder again")
    assert before.count("\n") == 3


# Several seeds.

SEEDS = {"train.seeds": 3, "machine.workers": 2}
OF_SEEDS = [f"data/{place}/model.safetensors" for place in ("models/lstm", "seeds/lstm/14", "seeds/lstm/15")]


def of_seeds(folder: Path) -> dict[str, bytes]:
    return outputs(folder) | {name: (folder / name).read_bytes() for name in OF_SEEDS}


@EARLY
def test_seeds_side_by_side_are_those_one_after_the_other(tmp_path, monkeypatch):
    """Compare two workers with more threads to one process, and each seed to a training of it alone."""
    several = write_project(tmp_path / "several", SEEDS)
    out = finish(start(several, threads="2"))
    assert all(f"lstm, seed {seed}: epoch 4:" in out for seed in (13, 14, 15))
    one = write_project(tmp_path / "one", SEEDS | {"machine.workers": 1})
    train_here(one, monkeypatch)
    assert of_seeds(several) == of_seeds(one)
    alone = write_project(tmp_path / "alone", {"seed": 15})
    train_here(alone, monkeypatch)
    weights = (alone / "data/models/lstm/model.safetensors").read_bytes()
    assert weights == (one / "data/seeds/lstm/15/model.safetensors").read_bytes()
    assert len(set(of_seeds(one).values())) == len(of_seeds(one)) - 1  # the first seed is in it twice
    assert not list((several / FOLDER).iterdir())

    timings = json.loads((several / "reports/timings/lstm.json").read_text())
    assert timings["training_seconds"].keys() == {"13", "14", "15"}
    assert timings["tokens_per_second"] > 0
    rows = curve(several)
    assert (rows["seeds"] == 3).all()
    for name in ("average_precision", "train_loss", "validation_loss"):
        assert (rows[f"{name}_low"] < rows[name]).all()
        assert (rows[name] < rows[f"{name}_high"]).all()


@EARLY
def test_seeds_are_stopped_together_and_go_on(tmp_path, monkeypatch):
    whole = write_project(tmp_path / "whole", LONG | SEEDS | {"machine.workers": 1})
    folder = write_project(tmp_path / "stopped", LONG | SEEDS | {"machine.checkpoint_seconds": 0.005})
    assert disturb(folder, signal.SIGTERM, 3, 0.0) == 130
    assert disturb(folder, signal.SIGKILL, 3, 0.0) == -signal.SIGKILL
    assert not (folder / "data/models").exists()
    assert (folder / "reports/curves/lstm.csv").exists()
    assert "going on after step" in finish(start(folder))
    train_here(whole, monkeypatch)
    assert of_seeds(folder) == of_seeds(whole)


def test_the_curve_is_the_mean_of_those_that_still_train():
    def history(*values: float) -> list[dict]:
        return [{"epoch": epoch, **dict.fromkeys(CURVES, value)} for epoch, value in enumerate(values, 1)]

    rows = mean_curve([history(1.0, 3.0), history(2.0)])
    assert [row["epoch"] for row in rows] == [1, 2]
    assert [row["seeds"] for row in rows] == [2, 1]
    for name in CURVES:
        assert [row[name] for row in rows] == [1.5, 3.0]
        assert [row[f"{name}_low"] for row in rows] == [1.0, 3.0]
        assert [row[f"{name}_high"] for row in rows] == [2.0, 3.0]


# What a checkpoint belongs to.


def key(folder: Path, changes: dict | None = None, cell: str = "lstm", **tables: pa.Table) -> str:
    write_project(folder, changes, **tables)
    settings = params.load()
    rate = getattr(settings.optimizers, settings.optimizer).learning_rate
    choice = Choice(cell, settings.optimizer, rate, settings.seed)
    (checkpoint, *_) = checkpoints_of(choice, settings, Path("data/splits"), torch.device("cpu")).values()
    return checkpoint.path.stem


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 14},
        {"optimizer": "rmsprop"},
        {"optimizers.adam.learning_rate": 0.5},
        {"optimizers.adam.settings.beta1": 0.5},
        {"model.hidden_size": 9},
        {"model.word_dropout": 0.5},
        {"train.epochs": 9},
        {"train.patience": 2},
        {"train.batch_size": 9},
        {"train.max_tokens": 9},
        {"train.clip_norm": 9.0},
        {"train.positive_weight": 9.0},
        {"train.sentence_weight": 9.0},
        {"train.validations_per_epoch": 1},
        {"train.precision": "bfloat16"},
        {"train.rate_decay": "linear"},
        {"model.pooling": "last"},
        {"model.read_padding": True},
    ],
)
def test_a_changed_parameter_has_another_checkpoint(tmp_path, monkeypatch, changes):
    monkeypatch.chdir(tmp_path)
    assert key(tmp_path) != key(tmp_path, changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"machine.checkpoint_seconds": 9.0},
        {"train.launcher": "python3 -m"},
        {"train.seeds": 9},
        {"machine.device": "auto"},
        {"optimizers.sgd.learning_rate": 0.5},
        {"sweep.seeds": 9},
        {"evaluate.bootstrap": 99},
    ],
)
def test_what_determines_nothing_keeps_the_checkpoint(tmp_path, monkeypatch, changes):
    monkeypatch.chdir(tmp_path)
    assert key(tmp_path) == key(tmp_path, changes)


def test_changed_data_has_another_checkpoint(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    other = table(np.random.default_rng(9), 60)
    keys = [key(tmp_path), key(tmp_path, train=other), key(tmp_path, validation=other)]
    keys.append(key(tmp_path, cell="gru"))
    vectors = tmp_path / "v.txt"
    for text in ("word2 1 2\n", "word2 1 3\n"):
        vectors.write_text(text)
        keys.append(key(tmp_path, {"model.vectors": str(vectors)}))
    assert len(set(keys)) == len(keys)
    assert key(tmp_path, test=other) == keys[0]


def test_changed_code_has_another_checkpoint(tmp_path, monkeypatch):
    """Cover all imported modules but `spoilers.core`, which affects no result."""
    module = tmp_path / "module.py"
    keys = []
    for name in ("spoilers.models.new", "spoilers.core.new"):
        for code in ("1", "2"):
            module.write_text(code)
            monkeypatch.setitem(sys.modules, name, SimpleNamespace(__file__=str(module)))
            keys.append(digest({}, []))
        monkeypatch.delitem(sys.modules, name)
    assert keys[0] != keys[1]
    assert keys[2] == keys[3] == digest({}, [])


# Several processes.


def curve(folder: Path, cell: str = "lstm") -> dict[str, np.ndarray]:
    text = (folder / f"reports/curves/{cell}.csv").read_text()
    rows = list(csv.DictReader(text.splitlines()))
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


@EARLY
def test_two_processes_follow_the_curve_of_one(tmp_path, monkeypatch):
    """Resume from where both were interrupted."""
    one, two, stopped = (write_project(tmp_path / name, NO_DROPOUT) for name in ("one", "two", "stopped"))
    train_here(one, monkeypatch)
    out = finish(start(two, *TORCHRUN))
    assert out.count("validation average precision") == 1  # only one writes
    alone, together = curve(one), curve(two)
    assert alone.keys() == together.keys()
    for name in ("epoch", "train_loss", "validation_loss", "average_precision"):
        assert np.allclose(alone[name], together[name], atol=1e-4, rtol=0), name

    assert disturb(stopped, signal.SIGTERM, 3, 0.02, *TORCHRUN) != 0
    assert not (stopped / "data/models").exists()
    assert len(list((stopped / FOLDER).glob("*.pt"))) == 1
    assert "going on after step" in finish(start(stopped, *TORCHRUN))
    assert outputs(stopped) == outputs(two)


@EARLY
def test_an_error_in_one_of_two_processes_ends_both(tmp_path):
    folder = write_project(tmp_path, DIVERGES)
    process = start(folder, *TORCHRUN)
    _, problems = process.communicate(timeout=300)
    assert process.returncode
    assert "error: train_lstm: the loss is" in problems
    assert not (folder / "data/models").exists()


# Mistakes.

DIVERGES = {"optimizer": "sgd", "optimizers.sgd.learning_rate": 1e38}


def without_words(reviews: pa.Table) -> pa.Table:
    empty = pa.array([[] for _ in range(len(reviews))], pa.list_(pa.int32()))
    for name in ("ids", "sentence_lengths", "sentence_labels"):
        i = reviews.column_names.index(name)
        reviews = reviews.set_column(i, name, empty.cast(reviews[name].type))
    return reviews


def with_label(reviews: pa.Table, label: bool) -> pa.Table:
    return reviews.set_column(0, "label", pa.array([label] * len(reviews)))


SOME = table(np.random.default_rng(1), 40)
MISTAKES = {
    "device": ({"machine.device": "cuda"}, {}, r"machine\.device: was 'cuda', which this machine lacks"),
    "no spoiler": ({}, {"train": with_label(SOME, False)}, r"train\.parquet: holds no spoiler; training"),
    "spoilers": ({}, {"train": with_label(SOME, True)}, r"train\.parquet: holds nothing but spoilers"),
    "validation": ({}, {"validation": with_label(SOME, False)}, r"validation\.parquet: holds no spoiler"),
    "no review": ({}, {"train": SOME[:0]}, r"train\.parquet: holds no spoiler"),
    "no word": ({}, {"train": without_words(SOME)}, r"train\.parquet: its reviews hold no word of"),
    "diverged": (
        DIVERGES,
        {},
        r"train_lstm: the loss is \S+ and the gradient norm \S+ at step \d+ with learning rate 1e\+38;"
        r" lower optimizers\.sgd\.learning_rate in params\.yaml",
    ),
    "vectors": ({"model.vectors": "none.txt"}, {}, r"none\.txt: No such file"),
}  # fmt: skip


@pytest.mark.skipif(torch.cuda.is_available(), reason="it has the device that is asked for")
@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_clear_line(tmp_path, monkeypatch, name):
    changes, tables, message = MISTAKES[name]
    folder = write_project(tmp_path, changes, **tables)
    with pytest.raises(SystemExit) as exit:
        train_here(folder, monkeypatch)
    assert re.match("error: .*" + message, exit.value.code), exit.value.code
    assert "\n" not in exit.value.code
    assert not list(folder.glob("data/models/*"))
    assert not list(folder.glob(str(FOLDER / "*")))


# What else the settings promise.


@pytest.mark.parametrize("cell", CELLS)
def test_learns_a_planted_pattern(tmp_path, monkeypatch, cell):
    """Put word 2 right before word 3 in spoilers; reverse them in other reviews."""
    draw = np.random.default_rng(2)
    parts = {part: planted(draw, count) for part, count in (("train", 400), ("validation", 150))}
    changes = {"train.epochs": 12, "optimizers.adam.learning_rate": 0.02, "train.sentence_weight": 0.0}
    folder = write_project(tmp_path, changes | NO_DROPOUT, **parts)
    train_here(folder, monkeypatch, cell)
    assert max(curve(folder, cell)["average_precision"]) > 0.9  # chance is 0.3


def planted(draw: np.random.Generator, reviews: int) -> pa.Table:
    rows = table(draw, reviews).to_pydict()
    for i in range(reviews):
        words = draw.integers(4, WORDS, 12)
        rows["label"][i] = bool(draw.random() < 0.3) if i > 1 else i == 0
        first, second = (2, 3) if rows["label"][i] else (3, 2)
        position = draw.integers(1, 10)
        words[position : position + 2] = first, second
        rows["ids"][i], rows["sentence_lengths"][i], rows["sentence_labels"][i] = words.tolist(), [12], None
    return pa.table(rows, schema=table(draw, 2).schema)


@pytest.mark.filterwarnings("error")
def test_some_empty_reviews_are_no_mistake(tmp_path, monkeypatch):
    some = pa.concat_tables([SOME, without_words(SOME)[:5], SOME])
    folder = write_project(tmp_path, train=some, validation=some)
    train_here(folder, monkeypatch)
    assert np.isfinite(curve(folder)["validation_loss"]).all()


@pytest.mark.parametrize("freeze", [True, False])
def test_trains_with_word_vectors(tmp_path, monkeypatch, capsys, freeze):
    changes = {"model.vectors": "v.txt", "model.freeze_vectors": freeze, "train.epochs": 1}
    folder = write_project(tmp_path, changes)
    draw = np.random.default_rng(0).normal(size=(19, 8)).astype(np.float32)
    rows = (f"word{i} {' '.join(map(repr, row.tolist()))}\n" for i, row in enumerate(draw, 2))
    (folder / "v.txt").write_text("".join(rows))
    train_here(folder, monkeypatch)
    assert "v.txt: has vectors of 50.0% of the vocabulary" in capsys.readouterr().out
    loaded = model_folder.load(folder / "data/models/lstm")
    model = loaded.network
    assert loaded.description["training"]["vectors"] == {"file": "v.txt", "coverage": 0.5}
    assert (
        np.allclose(model.embedding(torch.arange(2, 21)).detach().numpy(), draw, rtol=1e-5, atol=0) is freeze
    )


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_bfloat16_is_close_to_float32(tmp_path, monkeypatch, cell):
    if not devices.has_bfloat16("cpu", CELLS[cell]):
        pytest.skip("this processor has no such layer in bfloat16")
    losses = []
    for precision in ("float32", "bfloat16"):
        folder = write_project(tmp_path / precision, NO_DROPOUT | {"train.precision": precision})
        train_here(folder, monkeypatch, cell)
        losses.append(curve(folder, cell)["validation_loss"])
        model = model_folder.load(folder / f"data/models/{cell}").network
        assert all(weight.dtype == torch.float32 for weight in model.parameters())
    assert not np.array_equal(*losses)
    assert np.allclose(*losses, atol=0.03)


def test_bfloat16_where_the_device_has_it_not_is_a_mistake(tmp_path, monkeypatch):
    monkeypatch.setattr(devices, "has_bfloat16", lambda kind, layer: False)
    folder = write_project(tmp_path, {"train.precision": "bfloat16"})
    with pytest.raises(SystemExit) as exit:
        train_here(folder, monkeypatch)
    where = "error: params.yaml: train.precision: was 'bfloat16', in which this machine's cpu has no LSTM"
    assert exit.value.code.startswith(where) and "\n" not in exit.value.code
    assert not list(folder.glob("data/models/*"))


def test_looking_for_bfloat16_draws_no_random_number():
    before = torch.get_rng_state()
    devices.has_bfloat16.__wrapped__("cpu", torch.nn.LSTM)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_rate_falls_to_nothing_over_the_epochs(tmp_path, monkeypatch):
    folder = write_project(tmp_path, {"train.rate_decay": "linear", "optimizer": "sgd"})
    rates = []
    step = Training.step

    def watched(training: Training, share: Share) -> None:
        step(training, share)
        rates.append(training.optimizer.learning_rate)

    monkeypatch.setattr(Training, "step", watched)
    train_here(folder, monkeypatch)
    assert rates == pytest.approx([1.0 - i / 60 for i in range(60)])


def test_stops_after_the_patience_and_keeps_the_best(tmp_path, monkeypatch):
    changes = {"train.epochs": 60, "train.patience": 2, "train.validations_per_epoch": 2}
    folder = write_project(tmp_path, changes | {"optimizers.adam.learning_rate": 0.03})
    train_here(folder, monkeypatch)
    rows = curve(folder)
    best = int(np.argmax(rows["average_precision"]))
    assert len(rows["epoch"]) == best + 1 + 2 * 2 < 120
    training = model_folder.load(folder / "data/models/lstm").description["training"]
    assert training["best_epoch"] == pytest.approx(rows["epoch"][best], rel=1e-5)
    assert training["validation_average_precision"] == pytest.approx(
        rows["average_precision"][best], rel=1e-5
    )
