"""A model's folder: it works anywhere on its own, and reports any damage in one line."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from spoilers.core.errors import UserError
from spoilers.core.files import sha256
from spoilers.models.folder import FILES, load
from spoilers.prediction.detector import SpoilerDetector
from tests import ROOT
from tests.prediction_data import write_model

MODELS = ("lstm", "gru", "baseline")
TEXTS = ["He dies in the end. I liked it!", "A slow start."]


def refused(folder: Path, says: str) -> None:
    """Assert that loading ends in one line that says this and what to do."""
    with pytest.raises(UserError, match=says) as caught:
        load(folder)
    assert "\n" not in str(caught.value)
    assert "train" in str(caught.value)


def change(folder: Path, name: str, **changes: object) -> None:
    """Change keys of a JSON file; with `model.json`, its checksum too."""
    path = folder / name
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    seal(folder)


def seal(folder: Path) -> None:
    """Make the checksums right again."""
    path = folder / "manifest.json"
    values = json.loads(path.read_text())
    values["sha256"] = {name: sha256(folder / name) for name in values["sha256"]}
    path.write_text(json.dumps(values))


@pytest.mark.parametrize("name", MODELS)
def test_a_folder_travels_alone(tmp_path, monkeypatch, name):
    folder = write_model(tmp_path / "models" / name, name)
    expected = SpoilerDetector.load(folder).predict(TEXTS)
    shutil.copytree(folder, tmp_path / "elsewhere/copy")
    shutil.rmtree(tmp_path / "models")
    monkeypatch.chdir(tmp_path / "elsewhere")
    detector = SpoilerDetector.load("copy")
    assert detector.name == name
    assert detector.predict(TEXTS) == expected


@pytest.mark.parametrize("name", MODELS)
def test_files_have_the_mode_of_the_users_mask(tmp_path, name):
    before = os.umask(0o027)
    try:
        folder = write_model(tmp_path / name, name)
    finally:
        os.umask(before)
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == {
        file: 0o640 for file in (*FILES, "manifest.json")
    }


def test_a_network_needs_no_scikit_learn(tmp_path):
    folder = write_model(tmp_path / "lstm")
    code = (
        "import sys; from spoilers import SpoilerDetector;"
        f"found = SpoilerDetector.load({str(folder)!r}).predict(['He dies.']);"
        "assert found[0].probability is not None; assert 'sklearn' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ | {"PYTHONPATH": str(ROOT)})


def damage(path: Path, how: str) -> None:
    content = path.read_bytes()
    match how:
        case "gone":
            path.unlink()
        case "half":
            path.write_bytes(content[: len(content) // 2])
        case "bit":
            path.write_bytes(content[:-1] + bytes([content[-1] ^ 4]))
        case "empty":
            path.write_bytes(b"")
        case "pipe":
            path.unlink()
            os.mkfifo(path)
        case "device":
            path.unlink()
            path.symlink_to("/dev/zero")
        case "folder":
            path.unlink()
            path.mkdir()


@pytest.mark.parametrize("model", ["lstm", "baseline"])
@pytest.mark.parametrize("how", ["gone", "half", "bit", "empty", "pipe", "device", "folder"])
@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
def test_a_damaged_file_is_refused(tmp_path, model, name, how):
    folder = write_model(tmp_path / model, model)
    damage(folder / name, how)
    refused(folder, rf"{name}: (is damaged|No such file).*train with `dvc repro`")


def test_a_file_that_dvc_links_to_its_cache_is_none_of_them(tmp_path):
    folder = write_model(tmp_path / "lstm")
    for name in FILES:
        (folder / name).rename(tmp_path / name)
        (folder / name).symlink_to(tmp_path / name)
    assert load(folder).threshold == 0.5


@pytest.mark.parametrize(
    "listed",
    [
        {},
        {"model.json": "0" * 64},
        dict.fromkeys([*FILES, "/dev/zero"], "0" * 64),
        dict.fromkeys([*FILES, "../../etc/passwd"], "0" * 64),
        dict.fromkeys(FILES, 5),
        None,
    ],
    ids=str,
)
def test_the_manifest_lists_the_files_and_nothing_else(tmp_path, listed):
    folder = write_model(tmp_path / "lstm")
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"sha256": listed}))
    refused(folder, r"manifest\.json: is damaged")


def test_another_version_is_refused(tmp_path):
    folder = write_model(tmp_path / "lstm")
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({"format": 7, "whatever": "it holds"}))
    refused(folder, r"lstm: was made by another version .*its format is 7.*train again")
    (folder / "manifest.json").write_text(json.dumps(manifest | {"new": 1}))
    refused(folder, r"manifest\.json: is damaged")
    (folder / "manifest.json").write_text("[" * 100_000)
    refused(folder, r"manifest\.json: is damaged")


@pytest.mark.parametrize(
    "key", ["threshold", "sentence_threshold", "precision", "architecture", "max_tokens"]
)
def test_a_description_without_a_key_is_refused(tmp_path, key):
    folder = write_model(tmp_path / "lstm")
    said = json.loads((folder / "model.json").read_text())
    del said[key]
    (folder / "model.json").write_text(json.dumps(said))
    seal(folder)
    refused(folder, rf"is damaged or of another version .*{key}")


NAN = float("nan")


@pytest.mark.parametrize(
    ("model", "changes"),
    [
        ("lstm", {"threshold": None}),
        ("lstm", {"threshold": "0.5"}),
        ("lstm", {"threshold": NAN}),
        ("lstm", {"sentence_threshold": "x"}),
        ("lstm", {"max_tokens": 0}),
        ("lstm", {"max_tokens": 1}),
        ("lstm", {"max_tokens": 2.5}),
        ("lstm", {"precision": "int8"}),
        ("lstm", {"architecture": []}),
        ("baseline", {"thresholds": {}}),
        ("baseline", {"thresholds": {"tfidf": None}}),
        ("baseline", {"bias": {"tfidf": NAN, "length": 0.0}}),
        ("baseline", {"prevalence": "x"}),
        ("baseline", {"vocabulary_size": 10**9}),
    ],
    ids=str,
)
def test_a_description_that_says_nonsense_is_refused(tmp_path, model, changes):
    folder = write_model(tmp_path / model, model)
    change(folder, "model.json", **changes)
    refused(folder, "is damaged or of another version")


@pytest.mark.parametrize(
    "sizes",
    [
        {"layers": 10**6},
        {"layers": 10**18},
        {"layers": 8},
        {"layers": 0},
        {"hidden_size": 10**6},
        {"embedding_size": 10**9},
        {"embedding_size": -8},
        {"hidden_size": "8"},
        {"vocabulary_size": 10**12},
        {"vocabulary_size": 2},
        {"cell": "rnn"},
        {"cell": "gru"},
        {"bidirectional": 1},
        {"word_dropout": 7.0},
        {"new": 1},
    ],
    ids=str,
)
def test_sizes_that_are_not_those_of_the_weights_are_refused(tmp_path, sizes):
    folder = write_model(tmp_path / "lstm")
    architecture = json.loads((folder / "model.json").read_text())["architecture"]
    change(folder, "model.json", architecture=architecture | sizes)
    refused(folder, "is damaged or of another version")


@pytest.mark.parametrize("model", ["lstm", "baseline"])
@pytest.mark.parametrize("how", ["nan", "infinite", "reshaped", "renamed"])
def test_weights_that_are_none_are_refused(tmp_path, model, how):
    folder = write_model(tmp_path / model, model)
    weights = safetensors.numpy.load_file(folder / "model.safetensors")
    name = "embedding.weight" if model == "lstm" else "tfidf"
    array = weights.pop(name)
    match how:
        case "nan" | "infinite":
            array.flat[-1] = {"nan": np.nan, "infinite": np.inf}[how]
        case "reshaped":
            array = array.reshape(2, -1) if array.size > 1 else array.reshape(1, 1)
    weights[name + "2" * (how == "renamed")] = array
    safetensors.numpy.save_file(weights, folder / "model.safetensors")
    seal(folder)
    refused(folder, "is damaged or of another version")


@pytest.mark.parametrize("content", [b"<pad>\n<unknown>\n\xff\n", b"<pad>\n", b"\0", b""])
def test_a_vocabulary_that_is_none_is_refused(tmp_path, content):
    folder = write_model(tmp_path / "lstm")
    (folder / "vocabulary.txt").write_bytes(content)
    seal(folder)
    with pytest.raises(UserError, match=r"vocabulary\.txt: is (damaged|not a vocabulary)") as caught:
        load(folder)
    assert "\n" not in str(caught.value)


def test_another_vocabulary_is_refused(tmp_path):
    folder = write_model(tmp_path / "lstm")
    (tmp_path / "other.txt").write_text("<pad>\n<unknown>\na\n")
    assert load(folder, vocabulary=folder.with_suffix(".words")).threshold == 0.5
    with pytest.raises(UserError, match=r"trained with another vocabulary than .*other\.txt; train again"):
        load(folder, vocabulary=tmp_path / "other.txt")


def test_what_is_no_model_folder(tmp_path):
    refused(tmp_path / "absent", r"absent: is not a model's folder; train with `dvc repro`")
    refused(tmp_path, r"manifest\.json: No such file")
