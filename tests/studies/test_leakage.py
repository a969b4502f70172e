"""Label leaks are found where they were planted, and only there."""

from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from spoilers.core import params
from spoilers.studies.announcements import announces, without_sentences, without_word
from spoilers.studies.copies import sentence_hashes
from spoilers.studies.leakage import measure, whole_books
from spoilers.text.reviews import Reviews
from spoilers.text.token_table import STORAGE, TOKENS
from spoilers.text.vocabulary import SPECIAL, UNKNOWN, Vocabulary
from tests.rnn_data import reviews

LEXICON = [f"word{i}" for i in range(50)]


def write_tokens(path: Path, seed: int, words_of, labelled: bool = False) -> Path:
    """Write 400 reviews of 40 books in the layout of data/tokens.

    `words_of(draw, book, label)` gives a review's words as one sentence or, with `labelled`, as
    a list of sentences; the last is flagged in spoilers.
    """
    draw = np.random.default_rng(seed)
    labels = draw.random(400) < 0.4
    books = draw.integers(0, 40, 400)
    texts = [words_of(draw, book, label) for book, label in zip(books, labels, strict=True)]
    texts = texts if labelled else [[text] for text in texts]
    flags = [[False] * (len(text) - 1) + [bool(label)] for text, label in zip(texts, labels, strict=True)]
    columns = {
        "review_id": pa.array([f"r{i}" for i in range(400)]),
        "book_id": pa.array([f"b{book}" for book in books]),
        "user_id": pa.array([f"u{i % 60}" for i in range(400)]),
        "date": pa.nulls(400, pa.date32()),
        "rating": pa.array([3] * 400, pa.int8()),
        "label": pa.array(labels),
        "tokens": pa.array([list(chain(*text)) for text in texts], pa.list_(pa.string())).cast(TOKENS),
        "sentence_lengths": pa.array([[len(one) for one in text] for text in texts], pa.list_(pa.uint16())),
        "sentence_labels": pa.array(flags if labelled else [None] * 400, pa.list_(pa.bool_())),
    }
    pq.write_table(pa.table(columns), path, **STORAGE)
    return path


def settings() -> params.Params:
    found = params.load()
    baseline = found.baseline.model_copy(update={"inverse_regularization": [1.0]})
    evaluate = found.evaluate.model_copy(update={"bootstrap": 100})
    return found.model_copy(update={"baseline": baseline, "evaluate": evaluate})


def noise(draw: np.random.Generator) -> list[str]:
    return draw.choice(LEXICON, 12).tolist()


def test_a_book_that_gives_itself_away(tmp_path) -> None:
    """Give each book its own spoiler word: known books can be learned, new ones cannot."""

    def words_of(draw, book, label):
        return [*noise(draw)[:2], f"event{book}" if label else f"scene{book}"]

    found = measure(write_tokens(tmp_path / "tokens.parquet", 1, words_of), settings())
    by_book, random = found["splits"]["book"], found["splits"]["random"]
    assert by_book["of_known_books"] == 0
    assert random["of_known_books"] > 0.9
    assert random["average_precision"] > 0.9
    assert by_book["low"] < by_book["average_precision"] < 0.7
    assert random["low"] > by_book["high"]
    word = found["word"]
    assert word["reviews_with"] == 0
    assert word["lost"] == word["lost_low"] == word["lost_high"] == 0


def test_a_word_that_gives_labels_away(tmp_path) -> None:
    def words_of(draw, book, label):
        return noise(draw) + ["spoilers"] * bool(label and draw.random() < 0.8)

    found = measure(write_tokens(tmp_path / "tokens.parquet", 2, words_of), settings())
    assert found["splits"]["random"]["low"] <= found["splits"]["book"]["high"]
    word = found["word"]
    assert word["spoilers_with"] == pytest.approx(0.8, abs=0.15)
    assert word["reviews_with"] < word["spoilers_with"]
    assert word["lost_low"] > 0.2
    assert word["lost"] == pytest.approx(
        word["average_precision"] - word["average_precision_without"], abs=2e-4
    )


def test_a_split_without_spoilers_is_left_out(tmp_path) -> None:
    path = write_tokens(tmp_path / "tokens.parquet", 3, lambda draw, book, label: noise(draw))
    table = pq.read_table(path)
    one_book = pa.array(["b1"] * len(table))
    pq.write_table(table.set_column(1, "book_id", one_book), path, **STORAGE)
    found = measure(path, settings())
    assert list(found["splits"]) == ["random"]
    assert (found["word"], found["warnings"], found["copies"]) == (None, None, None)


def test_copied_sentences_are_counted_and_left_out(tmp_path) -> None:
    """Give half of the spoilers one flagged sentence, in all books, and the others another word."""

    def words_of(draw, book, label):
        copied = ["everybody", "dies"] if draw.random() < 0.5 else [*noise(draw), "poison"]
        return [noise(draw), copied if label else noise(draw)]

    found = measure(write_tokens(tmp_path / "tokens.parquet", 4, words_of, labelled=True), settings())
    copies = found["copies"]
    assert copies["sentences"]["flagged"]["copied"] == pytest.approx(0.5, abs=0.2)
    assert copies["sentences"]["others"]["copied"] == 0
    assert copies["sentences"]["all"]["number"] == sum(
        copies["sentences"][k]["number"] for k in ("flagged", "others")
    )
    assert copies["novelty_auc"] < 0.5
    assert copies["new_sentences"]["number"] < copies["all_sentences"]["number"]
    assert copies["new_reviews"]["prevalence"] < copies["all_reviews"]["prevalence"]
    assert copies["new_sentences"]["roc_auc_low"] <= copies["new_sentences"]["roc_auc"]
    assert copies["all_reviews"]["average_precision"] == found["splits"]["book"]["average_precision"]


def test_sentences_have_equal_hashes_if_and_only_if_they_are_equal() -> None:
    sentences = [["a", "b"], ["b", "a"], [], ["a"], ["a", "b"], ["ab"], ["a", "a"], ["a", "b", "a"]]
    lengths = np.array([len(sentence) for sentence in sentences], np.uint16)

    def hashes(reviews: list[list[str]]) -> np.ndarray:
        return sentence_hashes(pa.array(reviews, pa.list_(pa.string())).cast(TOKENS), lengths)

    found = hashes([list(chain(*sentences[:3])), list(chain(*sentences[3:]))])
    assert found[0] == found[4]
    assert len(set(found.tolist())) == len(sentences) - 1
    assert (found == hashes([["a", "b", "b", "a", "a"], ["a", "b", "ab", "a", "a", "a", "b", "a"]])).all()


def test_warnings_that_give_labels_away(tmp_path) -> None:
    def words_of(draw, book, label):
        warning = [["stop", "reading", "here"]] if label and draw.random() < 0.8 else []
        return [*warning, noise(draw)]

    found = measure(write_tokens(tmp_path / "tokens.parquet", 5, words_of, labelled=True), settings())
    assert found["warnings"]["spoilers_with"] == pytest.approx(0.8, abs=0.15)
    assert found["warnings"]["lost_low"] > 0.2
    assert found["word"]["reviews_with"] == found["word"]["lost"] == 0


@pytest.mark.parametrize(
    ("text", "announced"),
    [
        ("Spoilers ahead !", True),
        ("plot details below", True),
        ("please do not read on", True),
        ("No spoilers here", False),
        ("this is spoiler - free", False),
        ("read the details of plot", False),
        ("<spoil> follows", True),
    ],
)
def test_announcements(text: str, announced: bool) -> None:
    words = sorted(set(text.split()) | {"do", "not"})
    vocabulary = Vocabulary([*SPECIAL, *words])
    ids = vocabulary.lookup(["do", "not", *text.split(), "not"])
    lengths = np.array([2, len(ids) - 3, 1], np.int32)
    one = Reviews(
        ids, np.array([len(ids)]), lengths, np.array([3]), np.ones(1), np.full(3, np.nan), np.arange(3)
    )
    found = announces(one, vocabulary)
    assert found.tolist() == [False, announced, False]
    hidden = without_sentences(one, found).ids
    assert (hidden[2:-1] == UNKNOWN).all() == announced
    assert (hidden[[0, 1, -1]] == ids[[0, 1, -1]]).all()


def test_masking_reaches_every_form_and_nothing_else() -> None:
    some = reviews(1, 30)
    names = ["a", "Spoilers", "spoil", "unspoiled", "<spoil>", *(f"w{i}" for i in range(40))]
    masked = without_word(some, Vocabulary(SPECIAL + names))
    hidden = np.isin(some.ids, [3, 4, 5, 6])
    assert hidden.any()
    assert (masked.ids[hidden] == UNKNOWN).all()
    assert (masked.ids[~hidden] == some.ids[~hidden]).all()


def test_large_data_is_measured_on_whole_books(monkeypatch) -> None:
    books = np.random.default_rng(1).integers(0, 2000, 20_000).astype(str)
    monkeypatch.setattr("spoilers.studies.leakage.MOST", 5000)
    kept = whole_books(pa.array(books))
    assert 4000 < kept.sum() < 6000
    assert not set(books[kept]) & set(books[~kept])
