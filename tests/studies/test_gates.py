"""Test that the gates shown are the trained model's, whose words are shown, and the summary."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from spoilers.core import params
from spoilers.core.files import write_json
from spoilers.models.build import architecture
from spoilers.models.folder import save
from spoilers.models.network import CELLS, SpoilerRNN
from spoilers.report.figures.drawing import draw
from spoilers.report.figures.gates import gates as figure
from spoilers.studies import gates
from spoilers.text.reviews import Reviews
from spoilers.theory import cells
from stages import gates as stage
from tests.rnn_data import WORDS, write_project


def a_model(cell: str, **changes) -> SpoilerRNN:
    torch.manual_seed(3)
    model = SpoilerRNN(WORDS, cell, **{"embedding_size": 5, "hidden_size": 7, **changes}).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.6)
    return model


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_the_gates_are_those_behind_the_models_own_states(cell):
    model = a_model(cell)
    ids = np.random.default_rng(0).integers(1, WORDS, 25)
    found, states = gates.activations(cell, model, ids)
    with torch.inference_mode():
        own = model.rnn.forwards[0](model.embedding(torch.from_numpy(ids)))[0]  # (tokens, hidden)
        assert states == pytest.approx(own.numpy(), abs=1e-5)
        layer, before = model.rnn.forwards[0], torch.cat([torch.zeros(1, 7), own[:-1]])
        sums = model.embedding(torch.from_numpy(ids)) @ layer.weight_ih_l0.T + layer.bias_ih_l0
        sums = torch.sigmoid(sums + before @ layer.weight_hh_l0.T + layer.bias_hh_l0)
    order = {"lstm": ["input", "forget", None, "output"], "gru": ["reset", "update", None]}[cell]  # PyTorch's
    for name, values in zip(order, sums.split(7, dim=1), strict=True):
        assert name is None or found[name] == pytest.approx(values.numpy(), abs=1e-5)
    assert set(found) == set(order) - {None}


@pytest.mark.parametrize(("cell", "places"), [("lstm", (3, 4, 6)), ("gru", (2, 3))])
def test_the_gates_are_those_of_the_reference_cells(cell, places):
    model = a_model(cell)
    ids = np.random.default_rng(1).integers(1, WORDS, 25)
    found, states = gates.activations(cell, model, ids)
    reference = cells.LSTM if cell == "lstm" else cells.GRU
    weights = cells.Weights(*gates.weights_of(model.rnn.forwards[0]))
    xs = model.embedding.scale * model.embedding.weight.detach().double().numpy()[ids][:, None]
    start = tuple(np.zeros((1, 7)) for _ in range(reference.states))
    expected, _, kept = cells.forward(reference, weights, xs, start)
    assert states == pytest.approx(expected[:, 0], abs=1e-12)
    for place, values in zip(places, found.values(), strict=True):  # where a step keeps its gates
        assert values == pytest.approx(np.stack([step[place][0] for step in kept]), abs=1e-12)


def test_the_first_layer_of_several_is_shown():
    model = a_model("gru", layers=2)
    found, states = gates.activations("gru", model, np.arange(2, 12))
    own = model.rnn.forwards[0](model.embedding(torch.arange(2, 12)))[0]
    assert states == pytest.approx(own.detach().numpy(), abs=1e-5)
    assert found["update"].shape == (10, 7)


def some(labels: list[int], lengths: list[int], quiet: list[int]) -> Reviews:
    """Make reviews of two sentences, flagged in spoilers; `quiet` unflags the first."""
    flags = np.repeat(labels, 2).astype(np.float32)
    flags[::2][np.array(quiet, bool)] = 0
    sentences = np.array([(1, length - 1) for length in lengths], np.int32).ravel()
    return Reviews(
        np.full(sum(lengths), 2, np.int32), np.cumsum(lengths), sentences, 2 * np.arange(1, len(labels) + 1),
        np.array(labels, np.float32), flags, np.tile(np.arange(2, dtype=np.int32), len(labels)),
    )  # fmt: skip


@pytest.mark.parametrize("size", [1, 2, 5])
def test_choice(size):
    labels, lengths, quiet = [0, 1, 1, 1, 1], [40, 39, 10, 90, 10], [1, 1, 0, 1, 0]

    def chosen(called: list[int], quiet: list[int]) -> tuple[int, int]:
        blocks = some(labels, lengths, quiet).blocks(size)
        review, row, granted = gates.choose_review(blocks, np.array(called, bool))
        assert review.lengths.tolist() == [lengths[row]]
        return row, sum(granted.values())

    assert chosen([0] * 5, quiet) == (1, 0)
    assert chosen([1, 0, 1, 1, 1], quiet) == (3, 2)
    assert chosen([1, 0, 1, 1, 1], [1, 0, 0, 0, 0]) == (2, 1)
    assert chosen([1, 0, 1, 0, 1], [0, 0, 0, 0, 1]) == (4, 2)


def test_half_lives():
    values = np.tile([0.5, 0.25, 0.95], (10, 1))
    row = gates.summary("gru", "update", values)
    assert (row["median_half_life"], row["half_life_at_start"]) == (1.0, 1.0)
    assert row["longest_half_life"] == pytest.approx(13.51, abs=0.01)
    assert (row["shut"], row["open"]) == (0, 0.3333)
    assert "median_half_life" not in gates.summary("gru", "reset", values)


def save_networks() -> None:
    """Save an untrained network of either cell where the stage reads them."""
    sizes = params.load().model.model_copy(update={"embedding_size": 8, "hidden_size": 8})
    for cell in CELLS:
        arguments = architecture(cell, sizes, WORDS)
        description = {
            "architecture": arguments,
            "max_tokens": 64,
            "precision": "float32",
            "temperature": 1.0,
            "threshold": 0.5,
            "sentence_threshold": None,
        }
        folder = Path(f"data/models/{cell}")
        folder.mkdir(parents=True)
        weights = SpoilerRNN(**arguments).state_dict()
        save(folder, cell, weights, description, stage.VOCABULARY, False, True)


@pytest.mark.parametrize("source", ["sample", "goodreads"])
def test_words_are_shown_of_the_sample_alone(tmp_path, monkeypatch, source):
    write_project(tmp_path)
    monkeypatch.chdir(tmp_path)
    save_networks()
    labels = pq.read_table(stage.TEST)["label"].to_numpy()
    Path("data/predictions").mkdir()
    scores = {cell: pa.array(labels, pa.float32()) for cell in CELLS}
    pq.write_table(pa.table(scores), "data/predictions/test.parquet")
    Path("data/raw").mkdir()
    write_json("data/raw/source.json", {"source": source})
    stage.main()

    text = Path("data/results/gates.json").read_text()
    found = json.loads(text)
    assert ("word" in text, "text" in text) == (source == "sample", source == "sample")
    review = pq.read_table(stage.TEST).to_pylist()[found["review"]["row"] - 1]
    assert review["label"]
    assert len(found["tokens"]) == len(review["ids"])
    assert [sentence["tokens"] for sentence in found["sentences"]] == review["sentence_lengths"]
    assert all(sentence["probabilities"].keys() == set(CELLS) for sentence in found["sentences"])
    if source == "sample":
        assert [token["word"] for token in found["tokens"]] == [f"word{i}" for i in review["ids"]]
    assert [(row["model"], row["gate"]) for row in found["gates"]] == [
        *(("lstm", gate) for gate in ("input", "forget", "output")),
        *(("gru", gate) for gate in ("reset", "update")),
    ]
    draw(tmp_path / "gates", figure, pd.read_parquet("data/results/gates.parquet"), found["tokens"])
    assert (tmp_path / "gates.svg").stat().st_size
