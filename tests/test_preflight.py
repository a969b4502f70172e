"""Test what `check` finds before a stage can destroy anything."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

from spoilers import preflight
from spoilers.core import params
from spoilers.core.errors import UserError
from stages import check
from tests import ROOT
from tests.pipeline.stubs import change_params

VECTORS = "the 1 2 3\nbutler 4 5 6\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder with the settings, a file of reviews and one of word vectors."""
    for name in ("params.yaml", "dvc.yaml"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/reviews.json").write_text('{"review_id": "1"}\n')
    (tmp_path / "mine/vectors.txt").write_text(VECTORS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def checked(**changes: object) -> None:
    change_params(Path("params.yaml"), {name.replace("__", "."): value for name, value in changes.items()})
    check.main()


def test_what_is_right_passes(project: Path) -> None:
    checked()
    good = {"model__vectors": "mine/vectors.txt", "model__embedding_size": 3}
    checked(download__source="mine/reviews.json", train__launcher="torchrun --nproc-per-node=2 -m", **good)
    assert Path("data/params.checked").is_file()
    for source in ("goodreads", "https://example.org/data/raw/reviews.json.gz"):
        checked(download__source=source)


def test_it_does_not_wait_for_pytorch(project: Path) -> None:
    """Every experiment begins with this stage, and PyTorch takes seconds to import."""
    code = "import sys; from stages import check; check.main(); print('torch' in sys.modules)"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


@pytest.mark.parametrize("setting", ["download.source", "model.vectors"])
@pytest.mark.parametrize(
    "path",
    [
        "data/raw/reviews.json.gz",
        "data/splits/mine.txt",
        "data/sweep/adam-0.01/mine.txt",
        "reports/figures/mine/vectors.txt",
        "reports/../data/models/lstm/vectors.txt",
        "reports/metrics/lstm.json",
        "link/vectors.txt",
    ],
)
def test_a_file_inside_an_output_is_refused(project: Path, setting: str, path: str) -> None:
    """DVC would delete it before the stage that reads it runs."""
    (project / "data/splits").mkdir(parents=True)
    (project / "link").symlink_to("data/splits")
    with pytest.raises(UserError, match=rf"{setting}: {path} is an output of this pipeline or inside one"):
        checked(**{setting: path, "model.embedding_size": 3})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"download.source": "mine/nothing.gz"}, "mine/nothing.gz: there is no such file"),
        ({"download.source": "ftp://host/file"}, "only http and https"),
        ({"train.launcher": "torchrum -m"}, "train.launcher: there is no program 'torchrum'"),
        ({"train.launcher": "'"}, "train.launcher: .* is no command"),
        ({"train.launcher": " "}, "train.launcher: .* is no command"),
        ({"model.vectors": "None"}, "model.vectors: None: No such file"),
        ({"model.vectors": "mine"}, "model.vectors: mine: Is a directory"),
        ({"model.vectors": "mine/vectors.txt"}, "embedding_size: was 64, but the vectors of .* have 3"),
    ],
)
def test_a_mistake_is_one_line(project: Path, changes: dict[str, object], words: str) -> None:
    with pytest.raises(UserError, match=words):
        checked(**changes)
    assert not Path("data").exists()


def test_a_device_that_is_not_there(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match=r"machine\.device: was 'cuda', which this machine lacks"):
        checked(machine__device="cuda")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("butler 1 nan 3", "line 2: holds a number that is not finite"),
        ("butler 1 2", "line 2: has 2 numbers"),
        ("butler 1 3e38 3", "standard deviation"),
    ],
)
def test_vectors_are_read_as_the_training_will(project: Path, line: str, words: str) -> None:
    """Use the words of the last run, whose models could be lost."""
    preflight.VOCABULARY.parent.mkdir(parents=True)
    preflight.VOCABULARY.write_text("<pad>\n<unknown>\nthe\nbutler\n")
    (project / "mine/vectors.txt").write_text(f"the 1 2 3\n{line}\n")
    with pytest.raises(UserError, match=words):
        checked(model__vectors="mine/vectors.txt", model__embedding_size=3)


def test_every_output_is_found(project: Path) -> None:
    """Find all outputs of the shipped pipeline."""
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    found = set(preflight.outputs_of(Path("dvc.yaml")))
    assert {Path("data/sweep"), Path("data/raw/source.json"), Path("reports/metrics/gru.json")} < found
    assert len(list(preflight.outputs_of(Path("dvc.yaml")))) == sum(
        len(stage.get("do", stage).get(kind, ()))
        for stage in stages.values()
        for kind in ("outs", "metrics", "plots")
    )
    assert params.PATH not in found
