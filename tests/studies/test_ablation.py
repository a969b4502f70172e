"""The ablation changes one thing at a time, and compares equal seeds."""

import json

import numpy as np
import pytest

from spoilers.core import params
from spoilers.metrics.scores import average_precision
from spoilers.models import folder as model_folder
from spoilers.models.counts import recurrent_parameters
from spoilers.models.scoring import sigmoid
from spoilers.studies.ablation import changed, mean_of_seeds, run_change, summarize
from spoilers.text.reviews import load
from stages import train
from tests.rnn_data import write_project

SETTINGS = params.load()


@pytest.mark.parametrize("name", SETTINGS.ablation.changes)
def test_a_change_changes_what_it_names_and_nothing_else(name: str) -> None:
    cell, settings = changed(name, SETTINGS)
    default_cell, default = changed("default", SETTINGS)
    changes = SETTINGS.ablation.changes[name]
    assert (cell, default_cell) == ("gru" if "cell" in changes else "lstm", "lstm")
    assert (settings.train.seeds, settings.train.epochs) == (
        SETTINGS.ablation.seeds,
        SETTINGS.ablation.epochs,
    )
    found, expected = (flat(one.model_dump()) for one in (settings, default))
    differing = {key for key in found if found[key] != expected[key]}
    assert differing == (set(flat(changes)) if "cell" not in changes else {"model.hidden_size"})
    assert settings.seed == SETTINGS.seed


def flat(values: dict, prefix: str = "") -> dict:
    found = {}
    for key, value in values.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return found


def test_the_gru_of_equal_size_has_the_lstms_number_of_parameters() -> None:
    _, settings = changed("gru_of_equal_size", SETTINGS)
    lstm = recurrent_parameters("lstm", SETTINGS.model, SETTINGS.model.hidden_size)
    gru = recurrent_parameters("gru", settings.model, settings.model.hidden_size)
    assert gru == pytest.approx(lstm, rel=0.02)


def result(**precisions: float) -> dict:
    seeds = {
        seed: {"validation_average_precision": value, "validation_loss": 0.5}
        for seed, value in precisions.items()
    }
    return {"parameters": {"cell": 100}, "seeds": seeds}


def test_differences_are_paired_by_seed() -> None:
    rows = summarize({"default": result(a=0.5, b=0.3), "other": result(b=0.4, a=0.5)})
    assert [row["change"] for row in rows] == ["default", "other"]
    assert [rows[0][key] for key in ("difference", "difference_lowest", "difference_highest")] == [0, 0, 0]
    assert rows[1]["average_precision"] == pytest.approx(0.45)
    assert rows[1]["difference"] == pytest.approx(0.05)
    assert (rows[1]["difference_lowest"], rows[1]["difference_highest"]) == (0, 0.1)


def test_a_change_is_trained_and_the_mean_of_seeds_is_scored(tmp_path, monkeypatch) -> None:
    changes = {"default": {}, "last": {"model": {"pooling": "last", "read_padding": True}}}
    small = {"ablation.seeds": 2, "ablation.epochs": 1, "ablation.changes": changes, "machine.workers": 1}
    monkeypatch.chdir(write_project(tmp_path, small | {"train.seeds": 2, "train.epochs": 1}))
    settings, splits = params.load(), tmp_path / "data/splits"
    run_change("last", settings, splits, tmp_path / "last.json", tmp_path / "seconds.json")
    found = json.loads((tmp_path / "last.json").read_text())
    assert found["seeds"].keys() == json.loads((tmp_path / "seconds.json").read_text()).keys() == {"13", "14"}
    assert all(run["epochs"] == 1 for run in found["seeds"].values())

    monkeypatch.setattr("sys.argv", ["train", "lstm"])
    train.main()
    folders = [tmp_path / "data/models/lstm", tmp_path / "data/seeds/lstm/14"]
    both = mean_of_seeds(folders, splits / "validation.parquet", "cpu")
    reviews = load(splits / "validation.parquet", settings.train.max_tokens)
    probabilities = [model_folder.load(folder, "cpu").probabilities(reviews)[0] for folder in folders]
    expected = average_precision(reviews.labels, np.mean(probabilities, axis=0))
    assert both["average_precision"] == pytest.approx(expected, abs=1e-4)
    assert both["difference"] == pytest.approx(both["average_precision"] - both["alone"], abs=2e-4)
    assert both["seeds"] == 2


def test_probabilities_are_divided_by_the_temperature(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(write_project(tmp_path, {"train.epochs": 1}))
    monkeypatch.setattr("sys.argv", ["train", "lstm"])
    train.main()
    network = model_folder.load(tmp_path / "data/models/lstm", "cpu")
    reviews = load(tmp_path / "data/splits/validation.parquet", 128)
    network.temperature = 1.0
    plain = network.probabilities(reviews)
    network.temperature = 2.0
    half = network.probabilities(reviews)
    logits = np.log(plain[0] / (1 - plain[0]))
    assert half[0] == pytest.approx(sigmoid(logits, 2.0), abs=1e-6)
    assert np.array_equal(plain[1], half[1])
