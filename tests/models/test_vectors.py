"""Word-vector files, good and bad."""

import gzip

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from spoilers.core.errors import UserError
from spoilers.models.build import build
from spoilers.models.vectors import SPREAD, check_start, read
from spoilers.text.vocabulary import PADDING, SPECIAL, Vocabulary
from tests.rnn_data import reviews

VOCABULARY = Vocabulary([*SPECIAL, "the", "é", "butler", ".", "at"])
GLOVE = (
    "the 0.5 -1 2e-1\n. . . 9 9 9\nbutler 1 2 3\nat name@domain.com 7 7 7\nzebra 0 0 0\nthe 4 4 4\né 0 0 1\n"
)
EXPECTED = {2: [0.5, -1, 0.2], 4: [1, 2, 3], 3: [0, 0, 1]}


def write(path, text: str):
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wt", encoding="utf-8") as file:
        file.write(text)
    return path


@pytest.mark.parametrize("name", ["glove.txt", "glove.txt.gz"])
@pytest.mark.parametrize("header", ["", "7 3\n"])
@pytest.mark.parametrize("end", ["\n", " \n", "\r\n"])
def test_reads_glove_and_fasttext(tmp_path, name, header, end):
    known = read(write(tmp_path / name, header + GLOVE.replace("\n", end)), VOCABULARY, 3)
    found = dict(zip(known.ids.tolist(), known.values, strict=True))
    assert found.keys() == EXPECTED.keys()
    for number, values in EXPECTED.items():
        assert np.allclose(found[number], values)
    assert known.coverage == 3 / 5


def test_a_byte_order_mark_costs_no_word(tmp_path):
    known = read(write(tmp_path / "v.txt", "\ufeff" + GLOVE), VOCABULARY, 3)
    assert set(known.ids) == set(EXPECTED)


def test_the_start_alone_can_be_checked(tmp_path):
    check_start(write(tmp_path / "v.txt", "the 1 2 3\nbutler"), 3)
    for text in ("the 1 2\n", "", "9 300\n"):
        with pytest.raises(UserError):
            check_start(write(tmp_path / "v.txt", text), 3)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.floats(-10, 10, width=32), min_size=2, max_size=2), min_size=1, max_size=5))
def test_round_trip(tmp_path_factory, values):
    words = VOCABULARY.words[2:][: len(values)]
    lines = [f"{w} {' '.join(map(repr, v))}\n" for w, v in zip(words, values, strict=True)]
    assume(SPREAD[0] <= np.std(values) <= SPREAD[1])
    path = write(tmp_path_factory.mktemp("v") / "v.txt", "".join(lines))
    assert np.array_equal(read(path, VOCABULARY, 2).values, np.array(values, np.float32))


def test_initialise_the_embedding(tmp_path):
    known = read(write(tmp_path / "v.txt", GLOVE), VOCABULARY, 3)
    for freeze in (False, True):
        arguments = {"vocabulary_size": 7, "cell": "gru", "embedding_size": 3, "hidden_size": 4}
        model = build(arguments, reviews(0, 20), 1, known, freeze)
        weight = model.embedding.weight
        given = model.embedding(torch.from_numpy(known.ids)).detach().numpy()
        np.testing.assert_allclose(given, known.values, rtol=1e-6)
        assert not weight[PADDING].any()
        assert weight[1].any() and weight[6].any()
        assert weight.requires_grad is not freeze


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("v.txt", "the 1 2\n", "model.embedding_size: was 3, but the vectors of .* have 2 numbers"),
        ("v.txt", "9 300\nthe 1 2 3\n", "embedding_size: was 3, but .* have 300 numbers"),
        ("v.txt", "the 1 2 3\nbutler 1 2\n", "line 2: has 2 numbers after the word, not 3"),
        ("v.txt", "the 1 2 3\nbutler 1 x 3\n", "line 2: could not convert .*x"),
        ("v.txt", "the 1 2 3\nbutler 1 nan 3\n", "line 2: holds a number that is not finite"),
        ("v.txt", "the 1 2 3\nbutler 1 1e39 3\n", "line 2: holds a number that is not finite"),
        ("v.txt", "the 1 2 3\nbutler 1 3e38 3\n", "the standard deviation of its numbers is"),
        ("v.txt", "the 2 2 2\nbutler 2 2 2\n", "the standard deviation of its numbers is 0;"),
        ("v.txt", "the 1 2 3\n" + "x" * 2**20 + " 1 2 3\n", "line 2: is longer than 1,048,576 bytes"),
        ("v.txt", "9" * 5000 + " 3\nthe 1 2 3\n", "embedding_size: was 3, but .* have 1 numbers"),
        ("v.txt", "le 1 2 3\nchat 1 2 3\n", "has a vector of none of the vocabulary's 5 words"),
        ("v.txt", "", "has a vector of none of the vocabulary's 5 words"),
        ("v.txt", "no-vector\n", "line 1: is not a word and its vector"),
        ("v.gz", None, "v.gz: is not a whole gzip file"),
        ("missing.txt", None, "model.vectors: .*missing.txt: No such file"),
    ],
)
def test_a_bad_file_is_one_clear_line(tmp_path, name, text, message):
    path = tmp_path / name
    if text is not None:
        write(path, text)
    elif name == "v.gz":
        path.write_bytes(b"no gzip")
    with pytest.raises(UserError, match=message):
        read(path, VOCABULARY, 3)


def test_a_cut_gzip_file_is_one_clear_line(tmp_path):
    path = write(tmp_path / "v.gz", GLOVE * 50)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UserError, match="is not a whole gzip file"):
        read(path, VOCABULARY, 3)
