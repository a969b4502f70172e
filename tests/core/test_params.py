"""params.yaml: what is read, and what is said of a mistake."""

from pathlib import Path

import pytest

from spoilers.core import params
from spoilers.core.errors import UserError

TEXT = Path(params.PATH).read_text()


def load(tmp_path: Path, old: str, new: str) -> params.Params:
    assert old in TEXT
    path = tmp_path / "params.yaml"
    path.write_text(TEXT.replace(old, new, 1))
    return params.load(path)


def test_the_shipped_file_is_valid() -> None:
    assert params.load().optimizer == "adam"


@pytest.mark.parametrize("text", ["1e-05", "1E-05", "1.0e-05", "0.00001", "+1e-05"])
def test_small_numbers_are_numbers(tmp_path: Path, text: str) -> None:
    loaded = load(tmp_path, "learning_rate: 0.1\n", f"learning_rate: {text}\n")
    assert loaded.optimizers.momentum.learning_rate == pytest.approx(1e-5)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("optimizer: adam", "optimizer: adagrad", ["optimizer: ", "'adagrad'", "'sgd'", "'adam'"]),
        ("learning_rate: 0.1\n", "learning_rate: -1e-05\n", ["momentum.learning_rate", "-1e-05", "greater"]),
        ("learning_rate: 0.1\n", "learning_rate: .inf\n", ["momentum.learning_rate", "finite"]),
        ("train: 0.7\n", "train: 0.8\n", ["split.fractions", "sum to 1", "1.1"]),
        ("seed: 13", "sed: 13", ["seed: is missing", "sed: is not a setting"]),
        ("layers: 1", "layers: 1.5", ["model.layers", "1.5", "integer"]),
        ("layers: 1", "layers: true", ["model.layers", "True", "integer"]),
        ("lowercase: true", "lowercase: 'yes'", ["tokenize.lowercase", "'yes'", "boolean"]),
        ("shared_learning_rate: 0.01", "shared_learning_rate: 0.5", ["sweep: cells lacks sgd-0.5", "shared"]),
        ("- sgd-1.0\n", "- sgd-0.3\n", ["sweep: cells names one learning rate of an optimizer twice"]),
        ("- sgd-1.0\n", "- sgd-0.30\n", ["sweep: cells names one learning rate of an optimizer twice"]),
        ("- sgd-1.0\n", "- sgd-0.0\n", ["sweep: cells names the learning rate 0"]),
        ("- sgd-1.0\n", "- adagrad-1.0\n", ["sweep.cells.2: was 'adagrad-1.0'", "pattern"]),
        ("- sgd-1.0\n", "- sgd--1.0\n", ["sweep.cells.2: was 'sgd--1.0'", "pattern"]),
        ("default: {}", "other: {}", ["ablation: changes needs `default: {}`"]),
        (
            "hidden_size: 32\n",
            "hidden: 32\n",
            ["ablation.changes.hidden_smaller.", "hidden: is not a setting"],
        ),
        ("hidden_size: 32\n", "hidden_size: 0\n", ["hidden_smaller.hidden_size: was 0", "greater"]),
        ("cell: gru_of", "cell: rnn_of", ["ablation: changes.gru_of_equal_size.cell may be"]),
        (
            "      cell: gru_of",
            "      sweep: gru_of",
            ["ablation: changes.gru_of_equal_size may change `cell`"],
        ),
        ("model:", "model", ["not valid YAML"]),
    ],
)
def test_a_mistake_ends_in_one_line(tmp_path: Path, old: str, new: str, words: list[str]) -> None:
    with pytest.raises(UserError) as raised:
        load(tmp_path, old, new)
    for word in words:
        assert word in str(raised.value)


def test_cells_are_named_as_they_are_written() -> None:
    names = {"cells": ["adam-1e-05", "sgd-0.01", "adam-0.01", "sgd-1.0"]}
    sweep = params.change(params.load().sweep, names)
    assert sweep.grid == {
        "adam": {1e-05: "adam-1e-05", 0.01: "adam-0.01"},
        "sgd": {0.01: "sgd-0.01", 1.0: "sgd-1.0"},
    }


def test_change_is_nested_and_leaves_the_rest() -> None:
    before = params.load()
    after = params.change(
        before, {"model": {"hidden_size": 7}, "optimizers": {"adam": {"learning_rate": 0.5}}}
    )
    assert (after.model.hidden_size, after.optimizers.adam.learning_rate) == (7, 0.5)
    assert after.model.embedding_size == before.model.embedding_size
    assert after.optimizers.adam.settings == before.optimizers.adam.settings
    assert params.replace(before.train, epochs=2).model_dump() == before.train.model_dump() | {"epochs": 2}


def test_a_missing_file_says_where_to_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="root folder"):
        params.load(tmp_path / "params.yaml")
