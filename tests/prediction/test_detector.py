"""The detector: equal in batches and alone, its verdicts, odd texts, and the folders it is loaded from."""

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spoilers.core.errors import UserError
from spoilers.corpus.layouts import parse_text
from spoilers.prediction.detector import HIDDEN, CutReview, Prediction, SpoilerDetector
from tests import ROOT
from tests.prediction_data import WORDS, finder, write_model

MODELS = ("lstm", "gru", "baseline")
PIECES = [
    *WORDS[2:],
    "Emma",
    "\n",
    "&amp;",
    "(view spoiler)[",
    "(hide spoiler)]",
    "\0",
    "** spoiler alert **",
]
TEXT = st.lists(st.sampled_from(PIECES), max_size=60).map(" ".join)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory) -> dict[str, SpoilerDetector]:
    folder = tmp_path_factory.mktemp("models")
    return {name: SpoilerDetector.load(write_model(folder / name, name)) for name in MODELS}


def numbers(prediction: Prediction) -> np.ndarray:
    """Return all probabilities, NaN for None."""
    return np.array([prediction.probability, *(part.probability for part in prediction.sentences)], float)


# Probabilities.


@pytest.mark.parametrize("name", MODELS)
@settings(max_examples=25, deadline=None)
@given(st.lists(TEXT, max_size=12))
def test_one_by_one_and_in_batches(loaded, name, texts):
    detector = loaded[name]
    together = detector.predict(iter(texts))
    for text, prediction in zip(texts, together, strict=True):
        (alone,) = detector.predict([text])
        assert alone.text == prediction.text
        np.testing.assert_allclose(numbers(alone), numbers(prediction), atol=1e-6)
        if prediction.probability is not None:
            assert 0 <= prediction.probability <= 1
            assert prediction.spoiler == (prediction.probability >= detector.threshold)


@pytest.mark.parametrize("name", MODELS)
def test_threads_share_a_detector(loaded, name):
    draw = np.random.default_rng(1)
    texts = [". ".join(draw.choice(WORDS[2:], 12)) for _ in range(60)]
    expected = [numbers(found) for found in loaded[name].predict(texts)]
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: loaded[name].predict(texts), range(8)):
            for one, other in zip(found, expected, strict=True):
                np.testing.assert_allclose(numbers(one), other, atol=1e-6)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_forked_processes_use_a_detector(tmp_path):
    """Use a new process, since this one's libraries have threads."""
    folders = [str(write_model(tmp_path / name, name)) for name in MODELS]
    code = f"""
import multiprocessing, torch
from spoilers import SpoilerDetector
torch.set_num_threads(2)
detectors = [SpoilerDetector.load(folder) for folder in {folders!r}]
texts = ["He dies. " * 9] * 200
expected = [detector.predict(texts) for detector in detectors]
def same(i): return detectors[i].predict(texts) == expected[i]
if __name__ == "__main__":
    pool = multiprocessing.get_context("fork").Pool(2)
    print(all(pool.map_async(same, [*range(len(detectors))] * 4).get(60)))
    pool.terminate()
"""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "2"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=180, env=environment
    )
    assert done.stdout == "True\n", done.stderr


def test_a_network_on_a_gpu_is_refused_in_a_forked_process(loaded, monkeypatch):
    model = loaded["lstm"].model
    monkeypatch.setattr(model, "process", -1)
    monkeypatch.setattr(model, "device", torch.device("cuda"))
    with pytest.raises(UserError, match="cannot be used in a forked process; load it in each process"):
        loaded["lstm"].predict(["He dies."])


def test_each_sentence_gets_its_own_probability():
    text = "I liked it.\n\n<br> She dies.  (view spoiler)[He dies too. A slow start.(hide spoiler)]"
    (found,) = finder().predict([text])
    assert [part.text for part in found.sentences] == [
        "I liked it.", "<br> She dies.", "He dies too.", "A slow start."
    ]  # fmt: skip
    assert numbers(found) == pytest.approx([0.9, 0.1, 0.9, 0.9, 0.1])
    assert [part.spoils for part in found.sentences] == [False, True, True, False]


def test_of_a_long_review_head_and_tail_are_read():
    sentences = [f"{word} a a a a." for word in ["He", *["dies"] * 20, "She"]]  # 6 tokens each, 40 are read
    (found,) = finder().predict(["\n".join(sentences)])
    known = [part.probability is not None for part in found.sentences]
    assert known == [True] * 4 + [False] * 14 + [True] * 4
    assert not any(part.spoils for part, read in zip(found.sentences, known, strict=True) if not read)
    assert [part.read for part in found.sentences] == [True] * 3 + [False] * 16 + [True] * 3, "in full"
    assert numbers(found)[[1, 2, -1]] == pytest.approx([0.1, 0.9, 0.1])


def test_text_is_prepared_as_the_model_was_trained(tmp_path):
    said = {}
    for mask in (False, True):
        for lowercase in (False, True):
            folder = write_model(tmp_path / f"{mask}{lowercase}", mask_spoiler_word=mask, lowercase=lowercase)
            found = SpoilerDetector.load(folder).predict(["he dies", "HE dies", "spoilers", "Emma"])
            said[mask, lowercase] = [prediction.probability for prediction in found]
    for (mask, lowercase), (lower, upper, spoilers, unknown) in said.items():
        assert (lower == upper) == lowercase
        assert (spoilers != unknown) == mask


# Verdicts.


def conclude(probability: float, of_sentences: list[float], **changes) -> list[bool]:
    sentences = [f"Sentence {i}." for i in range(len(of_sentences))]
    review = CutReview(" ".join(sentences), sentences)
    read = np.full(len(sentences), True)
    found = finder(**changes).conclude(review, probability, np.array(of_sentences), read)
    assert found.spoiler == (probability >= 0.5)
    return [part.spoils for part in found.sentences]


def test_verdicts_on_sentences():
    assert conclude(0.7, [0.2, 0.5, 0.6]) == [False, True, True]
    assert conclude(0.3, [0.2, 0.6]) == [False, True]
    assert conclude(0.3, [0.2, 0.4]) == [False, False]
    assert conclude(0.7, [0.2, np.nan, 0.4]) == [False, False, True], "the likeliest, where none reaches it"
    assert conclude(0.7, [np.nan, np.nan], sentence_threshold=None) == [True, True]
    assert conclude(0.3, [np.nan, np.nan], sentence_threshold=None) == [False, False]


def test_a_model_that_knows_nothing_of_sentences_gives_them_no_probability(tmp_path):
    detector = SpoilerDetector.load(write_model(tmp_path / "lstm", sentence_threshold=None))
    (found,) = detector.predict(["He dies. She dies."])
    assert found.probability is not None
    assert [part.probability for part in found.sentences] == [None, None]


@given(TEXT)
def test_redaction_hides_each_letter_and_nothing_else(text):
    (found,) = finder().predict([text])
    pieces = list(found.pieces())
    assert "".join(gap + (part.text if part else "") for gap, part in pieces) == found.text
    assert all(not gap.strip() for gap, _ in pieces)
    assert found.text == parse_text(text).plain
    redacted = found.redacted()
    assert [len(word) for word in redacted.split()] == [len(word) for word in found.text.split()]
    assert "dies" not in redacted
    parts = [part.text for part in found.sentences if not part.hidden]
    assert re.sub(rf"[{HIDDEN}\s]", "", redacted) == re.sub(r"\s", "", "".join(parts))


@pytest.mark.parametrize("name", MODELS)
def test_redaction_hides_what_was_not_read(loaded, name):
    """Expect a network to read 40 tokens, and the baseline up to 65,535 of each sentence."""
    long = " ".join(["slow", *["a"] * 70_000, "secret"])
    text = f"A start. {'I liked it. ' * 30}The secret dies. {'I liked it. ' * 30}\n{long}\n<br>\nI liked it."
    (found,) = loaded[name].predict([text])
    assert found.sentences[-3].text == long and not found.sentences[-3].read
    assert found.sentences[-2].text == "<br>" and found.sentences[-2].read, "nothing is in it to be read"
    assert found.sentences[-1].read
    assert found.sentences[31].read == (name == "baseline")
    assert "secret" not in found.redacted().replace("The secret dies." if name == "baseline" else "", "")


def test_sentences_that_no_probability_is_known_of_are_read(tmp_path):
    detector = SpoilerDetector.load(write_model(tmp_path / "lstm", sentence_threshold=None))
    (found,) = detector.predict(["A slow start. " * 60])
    assert [part.read for part in found.sentences] == [True] * 5 + [False] * 50 + [True] * 5


# Odd texts.


def test_nothing_to_read():
    for text in ("", " \n\t", "\0\0", "&nbsp;<br>", "\u200b", "(view spoiler)[(hide spoiler)]"):
        (found,) = finder().predict([text])
        assert (found.probability, found.spoiler) == (None, False), repr(text)
        assert found.redacted().strip() == found.text.strip()
    assert finder().predict([]) == []


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(
    "text",
    [
        "\N{GRINNING FACE}\N{PILE OF POO}\N{FAMILY}",
        "he\0 dies\0",
        "a\ud800 surrogate",
        "\x1b[31m\x07",
        "\N{RIGHT-TO-LEFT OVERRIDE}dies",
        "a" * 10**6,
        "a b. " * 200_000,
        "He dies. " * 110_000,
        "\n \n" * 300_000 + "x",
        " " * 10**6 + "x",
        "!" * 10**6,
        "https://" + "x" * 10**6,
        "\N{GRINNING FACE}" * 250_000,
    ],
    ids=lambda text: ascii(text[:9]),
)
def test_whatever_a_string_can_hold(loaded, name, text):
    (found,) = loaded[name].predict([text])
    assert 0 < found.probability < 1
    found.redacted().encode()


def test_nul_is_a_blank():
    with_nul, with_blank = finder().predict(["he\0dies", "he dies"])
    assert numbers(with_nul).tolist() == numbers(with_blank).tolist()


def test_what_is_no_list_of_texts():
    with pytest.raises(TypeError, match=r"give \[text\]"):
        finder().predict("He dies.")
    with pytest.raises(TypeError, match="a text must be a str, not NoneType"):
        finder().predict([None])


# Folders.


@pytest.mark.parametrize("name", MODELS)
def test_a_folder_travels_alone(loaded, tmp_path, monkeypatch, name):
    text = "He dies in the end. I liked it!"
    folder = write_model(tmp_path / "models" / name, name)
    shutil.copytree(folder, tmp_path / "elsewhere/copy")
    shutil.rmtree(tmp_path / "models")
    monkeypatch.chdir(tmp_path / "elsewhere")
    (found,) = SpoilerDetector.load("copy").predict([text])
    (expected,) = loaded[name].predict([text])
    assert found == expected
