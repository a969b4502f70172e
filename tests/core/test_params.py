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
        ("shared_learning_rate: 0.01", "shared_learning_rate: 0.5", ["shared_learning_rate 0.5", "one of"]),
        ("    - 1.0\n    - 10.0", "    - 1\n    - 10.0", ["sweep.learning_rates.4: was 1, write it with a"]),
        ("    - sgd\n", "    - adam\n", ["sweep", "optimizers names one value twice"]),
        ("model:", "model", ["not valid YAML"]),
        ("seed: 13", "seed: 2020-99-99", ["not valid YAML", "month"]),
        ("seed: 13", "seed: " + "9" * 5000, ["not valid YAML", "5000 digits"]),
        ("seed: 13", "seed: " + "[" * 5000, ["is nested too deeply"]),
        ("seed: 13", "seed: &a [*a]", ["seed"]),
        ("seed: 13", "seed: \x00", ["not valid YAML"]),
        ("seed: 13", "seed: 13\n? [a, b]\n: 1", ["not valid YAML", "unhashable"]),
    ],
)
def test_a_mistake_ends_in_one_line(tmp_path: Path, old: str, new: str, words: list[str]) -> None:
    with pytest.raises(UserError) as raised:
        load(tmp_path, old, new)
    for word in words:
        assert word in str(raised.value)


def test_a_billion_laughs(tmp_path: Path) -> None:
    """A file of which each line says the one before it nine times; few aliases do no harm."""
    lines = ["a0: &a0 lol"] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    with pytest.raises(UserError, match="more than 10 aliases"):
        load(tmp_path, "seed: 13", "\n".join(lines))
    with pytest.raises(UserError, match="a1: is not a setting"):
        load(tmp_path, "seed: 13", "\n".join([*lines[:2], "seed: 13"]))
    assert load(tmp_path, "layers: 1\n", "layers: &one 1\n").model.layers == 1


def test_a_missing_file_says_where_to_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="root folder"):
        params.load(tmp_path / "params.yaml")
