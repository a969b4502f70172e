"""The cells of the optimizer study differ in nothing but the optimizer and its rate."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from spoilers.core import params
from spoilers.core.params import Params
from spoilers.studies import cell
from spoilers.studies.cell import Run, has_learned_nothing, reviews_seen, run_cell, study_settings, train_seed
from spoilers.text.reviews import load
from spoilers.training.loop import Share, Training
from spoilers.training.loss import base_rate_loss
from spoilers.training.prepare import Choice, read_data
from tests.rnn_data import reviews as some_reviews
from tests.rnn_data import write_project

NAMES = ("sgd", "momentum", "rmsprop", "adam")
SMALL = {"sweep.reviews": 100, "sweep.epochs": 2, "sweep.seeds": 2, "sweep.batch_size": 8}


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)
    torch.set_flush_denormal(False)


@pytest.fixture
def project(tmp_path, monkeypatch) -> tuple[Params, Path]:
    """Return the settings and a folder with the study's reviews; earlier trainings are kept beside it."""
    folder = write_project(tmp_path, SMALL)
    monkeypatch.chdir(folder)
    return params.load(folder / "params.yaml"), folder / "data/splits"


def study(settings: Params, splits: Path, choice: Choice) -> Run:
    """Train one seed as a cell does."""
    settings = study_settings(settings)
    read = partial(load, max_tokens=settings.train.max_tokens)
    data = read_data(splits, settings.model, read)
    return train_seed(choice, settings, data, read(splits / "test.parquet"))


def test_equal_weights_and_batches(project, monkeypatch) -> None:
    settings, splits = project
    seen: dict[tuple, list] = {}
    step = Training.step

    def watched(training: Training, share: Share) -> None:
        events = seen.setdefault(key, [])
        if not events:
            events.append({name: w.clone() for name, w in training.model.state_dict().items()})
        step(training, share)
        events.append((share.batch.ids.tolist(), training.record.steps[-1].loss.item()))

    monkeypatch.setattr(Training, "step", watched)
    monkeypatch.setattr(cell, "has_learned_nothing", lambda *_: False)
    for seed in (1, 2):
        for name in NAMES:
            key = (name, seed)
            study(settings, splits, Choice("lstm", name, 0.01, seed))
    for seed in (1, 2):
        (weights, *steps), *others = (seen[name, seed] for name in NAMES)
        for other_weights, *other_steps in others:
            assert all(torch.equal(weights[name], other_weights[name]) for name in weights)
            assert [rows for rows, _ in steps] == [rows for rows, _ in other_steps]
            assert steps[0] == other_steps[0]  # the loss too: dropout is the same
            assert steps[-1] != other_steps[-1]
    (first, *_), (second, *_) = seen["sgd", 1], seen["sgd", 2]
    assert not torch.equal(first["embedding.weight"], second["embedding.weight"])


@pytest.mark.parametrize(
    ("rate", "why"),
    [(1e6, "training loss was"), (3e38, "the loss is")],  # clipping keeps the first losses finite
)
def test_divergence_is_said(project, tmp_path, rate, why) -> None:
    settings, splits = project
    run_cell("sgd", rate, settings, splits, tmp_path / "cell", tmp_path / "timings.json")
    runs = json.loads((tmp_path / "cell/runs.json").read_text())
    assert len(runs) == settings.sweep.seeds
    assert all(run["diverged"] and why in run["problem"] for run in runs.values())
    test = pq.read_table(tmp_path / "cell/test.parquet")
    assert all(np.isnan(test[name].to_numpy()).all() for name in runs)


def test_what_learns_has_not_diverged(project) -> None:
    settings, splits = project
    run = study(settings, splits, Choice("lstm", "adam", 0.01, 1))
    assert run.summary["problem"] is None
    assert np.isfinite(run.test).all()
    assert torch.tensor(1e-30) * torch.tensor(1e-12) == 0  # no subnormal numbers
    assert [row["reviews"] for row in run.history] == [64, 120, 184, 240]  # two evaluations per epoch


def test_reviews_seen() -> None:
    assert [reviews_seen(step, 20, 8) for step in range(7)] == [0, 8, 16, 20, 28, 36, 40]


def test_a_seed_more_trains_one_seed(project, tmp_path, monkeypatch) -> None:
    """Keep the results of the earlier training unchanged."""
    settings, splits = project
    outputs = tmp_path / "cell", tmp_path / "timings.json"
    run_cell("adam", 0.01, settings, splits, *outputs)
    before = json.loads((tmp_path / "cell/runs.json").read_text()), outputs[1].read_bytes()
    kept = {path: path.stat().st_mtime_ns for path in Path(".cache/study").iterdir()}
    assert len(kept) == 2
    more = settings.model_copy(update={"sweep": params.replace(settings.sweep, seeds=3)})
    run_cell("adam", 0.01, more, splits, *outputs)
    after = json.loads((tmp_path / "cell/runs.json").read_text())
    assert {seed: after[seed] for seed in before[0]} == before[0]
    assert len(after) == 3
    now = {path: path.stat().st_mtime_ns for path in Path(".cache/study").iterdir()}
    assert len(now) == 3 and kept.items() <= now.items()
    other = params.change(settings, {"optimizers": {"adam": {"settings": {"beta1": 0.5}}}})
    run_cell("adam", 0.01, other, splits, *outputs)
    assert len(list(Path(".cache/study").iterdir())) == 5


def test_what_learns_nothing_is_ended_at_half_of_the_epochs(project) -> None:
    settings, splits = project
    longer = params.change(settings, {"sweep": {"epochs": 4}})
    seed = 5  # whose initial weights rank these few reviews no better than chance
    run = study(longer, splits, Choice("lstm", "sgd", 1e-9, seed))
    assert run.history[-1]["epoch"] == 2
    assert run.summary["ended_early"] and not run.summary["diverged"]
    assert np.isfinite(run.test).all()


@pytest.mark.parametrize(
    ("epoch", "precision", "below_base", "nothing"),
    [(2, 0.0, -0.1, True), (1.5, 0.0, -0.1, False), (2, 0.0, 0.1, False), (2, 1.0, -0.1, False)],
)
def test_nothing_is_learned_where_neither_score_says_so(epoch, precision, below_base, nothing) -> None:
    validation, base = some_reviews(1, 50), 0.9
    row = {"epoch": epoch, "average_precision": precision, "validation_loss": base - below_base}
    assert has_learned_nothing([row], validation, base, epochs=4) is nothing


def test_base_rate_loss_is_the_least_of_a_constant() -> None:
    train, some = params.load().train, some_reviews(3, 80)
    base = base_rate_loss(some, params.replace(train, sentence_weight=0.0, positive_weight=1.0))
    share = some.labels.mean()
    assert base == pytest.approx(-share * np.log(share) - (1 - share) * np.log(1 - share), rel=1e-5)
    with_sentences = base_rate_loss(some, params.replace(train, sentence_weight=1.0, positive_weight=1.0))
    known = some.sentence_labels[~np.isnan(some.sentence_labels)].mean()
    entropy = -known * np.log(known) - (1 - known) * np.log(1 - known)
    assert with_sentences == pytest.approx(base + entropy, rel=1e-4)
