"""params.yaml: what is read, and how mistakes are reported."""

from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from spoilers.core import params
from spoilers.core.errors import UserError

VALUES = yaml.load(Path(params.PATH).read_text(encoding="utf-8"), params.Loader)
MISSING = object()


def changed(key: str, value: object) -> dict:
    """Return the shipped values with one of them changed, added or, for MISSING, left out."""
    *path, last = key.split(".")
    values = deepcopy(VALUES)
    section = values
    for part in path:
        section = section[part]
    if value is MISSING:
        del section[last]
    else:
        section[last] = value
    return values


def load(folder: Path, values: dict, written_as: str = "") -> params.Params:
    """Load values from a file; `written_as` replaces the value `HERE`."""
    path = folder / "params.yaml"
    path.write_text(yaml.safe_dump(values).replace("HERE", written_as), encoding="utf-8")
    return params.load(path)


def test_the_shipped_file_is_valid() -> None:
    assert params.load().optimizer == "adam"


@pytest.mark.parametrize("text", ["1e-05", "1E-05", "1.0e-05", "0.00001", "+1e-05"])
def test_small_numbers_are_numbers(tmp_path: Path, text: str) -> None:
    loaded = load(tmp_path, changed("optimizers.momentum.learning_rate", "HERE"), text)
    assert loaded.optimizers.momentum.learning_rate == pytest.approx(1e-5)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("optimizer", "adagrad", ["optimizer: ", "'adagrad'", "'sgd'", "'adam'"]),
        ("optimizers.momentum.learning_rate", -1e-05, ["momentum.learning_rate", "-1e-05", "greater"]),
        ("optimizers.momentum.learning_rate", float("inf"), ["momentum.learning_rate", "finite"]),
        ("split.fractions.train", 0.8, ["split.fractions", "sum to 1", "1.1"]),
        ("seed", MISSING, ["seed: is missing"]),
        ("sed", 13, ["sed: is not a setting"]),
        ("model.layers", 1.5, ["model.layers", "1.5", "integer"]),
        ("model.layers", True, ["model.layers", "True", "integer"]),
        ("tokenize.lowercase", "yes", ["tokenize.lowercase", "'yes'", "boolean"]),
        ("sweep.shared_learning_rate", 0.5, ["sweep: cells lacks", "shared"]),
        (
            "sweep.cells",
            ["sgd-0.003", "sgd-0.3", "sgd-0.30"],
            ["names one learning rate of an optimizer twice"],
        ),
        ("sweep.cells", ["sgd-0.003", "sgd-0.0"], ["sweep: cells names the learning rate 0"]),
        ("sweep.cells", ["sgd-0.003", "adagrad-1.0"], ["sweep.cells.1: was 'adagrad-1.0'", "pattern"]),
        ("sweep.cells", ["sgd-0.003", "sgd--1.0"], ["sweep.cells.1: was 'sgd--1.0'", "pattern"]),
        ("ablation.changes", {"other": {}}, ["ablation: changes needs `default: {}`"]),
        ("ablation.changes.x", {"model": {"hidden": 32}}, ["hidden: is not a setting"]),
        ("ablation.changes.x", {"model": {"hidden_size": 0}}, ["hidden_size: was 0", "greater"]),
        ("ablation.changes.x", {"cell": "rnn"}, ["ablation: changes.x.cell may be"]),
        ("ablation.changes.x", {"sweep": "rnn"}, ["ablation: changes.x may change `cell`"]),
    ],
)
def test_a_mistake_ends_in_one_line(tmp_path: Path, key: str, value: object, words: list[str]) -> None:
    with pytest.raises(UserError) as raised:
        load(tmp_path, changed(key, value))
    assert "\n" not in str(raised.value)
    for word in words:
        assert word in str(raised.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("model: [\n", ["not valid YAML"]),
        ("seed: 2020-99-99", ["not valid YAML", "month"]),
        ("seed: " + "9" * 5000, ["not valid YAML", "5000 digits"]),
        ("seed: " + "[" * 5000, ["is nested too deeply"]),
        ("seed: &a [*a]", ["seed"]),
        ("seed: \x00", ["not valid YAML"]),
        ("seed: 13\n? [a, b]\n: 1", ["not valid YAML", "unhashable"]),
    ],
)
def test_a_file_that_is_no_yaml_is_one_line(tmp_path: Path, text: str, words: list[str]) -> None:
    (tmp_path / "params.yaml").write_text(text)
    with pytest.raises(UserError) as raised:
        params.load(tmp_path / "params.yaml")
    assert all(word in str(raised.value) for word in words)


def test_a_billion_laughs(tmp_path: Path) -> None:
    """Refuse lines that each repeat the one before nine times; allow a few aliases."""
    lines = ["a0: &a0 lol"] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    for count, message in ((12, "more than 10 aliases"), (2, "a1: is not a setting")):
        (tmp_path / "params.yaml").write_text("\n".join(lines[:count]))
        with pytest.raises(UserError, match=message):
            params.load(tmp_path / "params.yaml")


def test_cells_are_named_as_they_are_written() -> None:
    names = {"cells": ["adam-1e-05", "sgd-0.003", "adam-0.003", "sgd-1.0"]}
    sweep = params.change(params.load().sweep, names)
    assert sweep.grid == {
        "adam": {1e-05: "adam-1e-05", 0.003: "adam-0.003"},
        "sgd": {0.003: "sgd-0.003", 1.0: "sgd-1.0"},
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
