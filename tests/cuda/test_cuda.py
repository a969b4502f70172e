"""Training on an NVIDIA GPU: exact, repeatable, resumable, equal to the CPU."""

import os
import shutil
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from spoilers import SpoilerDetector
from spoilers.models.batches import assemble
from spoilers.models.devices import choose, move
from spoilers.models.network import CELLS, SpoilerRNN
from spoilers.models.scoring import score, sigmoid
from spoilers.training.checkpoints import FOLDER
from tests import ROOT
from tests.rnn_data import WORDS, reviews, write_project
from tests.training.test_training import LONG, TORCHRUN, disturb, finish, outputs, start

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device"),
]
ON_GPU = {"machine.device": "cuda"}
CPU = torch.device("cpu")


def network(cell: str, layers: int = 1) -> SpoilerRNN:
    torch.manual_seed(5)
    return SpoilerRNN(WORDS, cell, 32, 32, layers=layers).eval()


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layers", [1, 2])
def test_a_review_scores_the_same_alone_in_a_batch_and_on_the_cpu(cell, layers):
    gpu, some, model = choose("cuda"), reviews(3, 60, longest=200), network(cell, layers)
    on_cpu = sigmoid(score(model, some, CPU, "float32").reviews)
    model.to(gpu)
    together = sigmoid(score(model, some, gpu, "float32").reviews)
    with torch.inference_mode():
        each = (some.choose(np.array([i])) for i in range(len(some)))
        batches = (move(assemble(one, in_one_call=True), gpu) for one in each)
        alone = torch.cat([model(batch)[0] for batch in batches]).sigmoid().cpu().numpy()
    assert np.abs(together - alone).max() <= 1e-6
    assert np.abs(together - on_cpu).max() <= 1e-5


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> dict[str, bytes]:
    folder = write_project(tmp_path_factory.mktemp("undisturbed"), LONG | ON_GPU)
    finish(start(folder))
    return outputs(folder)


def test_the_same_bytes_twice(tmp_path, undisturbed):
    folder = write_project(tmp_path, LONG | ON_GPU)
    finish(start(folder))
    assert outputs(folder) == undisturbed


def test_the_same_bytes_after_a_kill(tmp_path, undisturbed):
    folder = write_project(tmp_path, LONG | ON_GPU | {"machine.checkpoint_seconds": 0.005})
    for number in (signal.SIGKILL, signal.SIGTERM):
        disturb(folder, number, 2, 0.05)
        assert list((folder / FOLDER).glob("*.pt"))
    assert "going on after step" in finish(start(folder))
    assert outputs(folder) == undisturbed


def test_one_process_of_torchrun_uses_nccl(tmp_path):
    folder = write_project(tmp_path, ON_GPU)
    launcher = [part.replace("=2", "=1") for part in TORCHRUN]
    assert "validation average precision" in finish(start(folder, *launcher))


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "rmsprop", "adam"])
def test_a_cell_of_the_study_trains(tmp_path, optimizer):
    folder = write_project(tmp_path, ON_GPU | {"sweep.reviews": 100, "sweep.epochs": 2})
    shutil.copytree(folder / "data/splits", folder / "data/study_data/sweep")
    command = [sys.executable, "-m", "stages.sweep", f"{optimizer}-0.01"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run(command, cwd=folder, env=environment, check=True)
    curves = (folder / f"data/sweep/{optimizer}-0.01/curves.csv").read_text().splitlines()
    assert len({row.split(",")[0] for row in curves[1:]}) == 3, "the seeds"


@pytest.mark.parametrize("cell", CELLS)
def test_the_weights_are_laid_out_as_cudnn_wants_them(cell):
    """PyTorch warns where it has to copy them."""
    gpu, some = choose("cuda"), reviews(3, 20)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        score(network(cell).to(gpu), some, gpu, "float32")


@pytest.mark.parametrize("cell", CELLS)
def test_a_training_in_bfloat16(tmp_path, cell):
    folder = write_project(tmp_path, ON_GPU | {"train.precision": "bfloat16"})
    command = [sys.executable, "-m", "stages.train", cell]
    subprocess.run(command, cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True)
    rows = (folder / f"reports/curves/{cell}.csv").read_text().splitlines()
    column = rows[0].split(",").index("average_precision")
    assert max(float(row.split(",")[column]) for row in rows[1:]) > 0.6, "0.4 of the reviews are spoilers"


def test_a_model_trained_there_predicts(tmp_path):
    folder = write_project(tmp_path, ON_GPU)
    finish(start(folder))
    (prediction,) = SpoilerDetector.load(Path(folder) / "data/models/lstm").predict(["word2 word3 word4."])
    assert 0 < prediction.probability < 1
