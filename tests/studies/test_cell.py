"""The cells of the optimizer study differ in nothing but the optimizer and its rate."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from spoilers.core import params
from spoilers.core.params import Params
from spoilers.studies.cell import read_study, reviews_seen, run_cell, train_seed
from spoilers.training.loop import Share, Training
from spoilers.training.prepare import Choice
from tests.rnn_data import write_project

NAMES = ("sgd", "momentum", "rmsprop", "adam")
SMALL = {"sweep.reviews": 100, "sweep.epochs": 2}


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)
    torch.set_flush_denormal(False)


@pytest.fixture
def project(tmp_path) -> tuple[Params, Path]:
    folder = write_project(tmp_path, SMALL)
    return params.load(folder / "params.yaml"), folder / "data/splits"


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
    for seed in (1, 2):
        for name in NAMES:
            key = (name, seed)
            train_seed(Choice("lstm", name, 0.01, seed), settings, *read_study(splits, settings))
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
    [(1e6, "training loss ended at"), (1e38, "the loss is")],  # clipping keeps the first one's finite
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
    run = train_seed(Choice("lstm", "adam", 0.01, 1), settings, *read_study(splits, settings))
    assert run.summary["problem"] is None
    assert np.isfinite(run.test).all()
    assert torch.tensor(1e-30) * torch.tensor(1e-12) == 0  # no subnormal numbers
    assert [row["reviews"] for row in run.history] == [56, 100, 156, 200]  # two evaluations per epoch


def test_reviews_seen() -> None:
    assert [reviews_seen(step, 20, 8) for step in range(7)] == [0, 8, 16, 20, 28, 36, 40]
