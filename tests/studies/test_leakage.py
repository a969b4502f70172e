"""What gives labels away is found where it was put, and only there."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from spoilers.core import params
from spoilers.report.findings.leakage import known_books_help
from spoilers.studies.leakage import measure, whole_books, without_word
from spoilers.text.token_table import STORAGE, TOKENS
from spoilers.text.vocabulary import SPECIAL, UNKNOWN, Vocabulary
from tests.rnn_data import reviews

LEXICON = [f"word{i}" for i in range(50)]


def write_tokens(path: Path, seed: int, words_of) -> Path:
    """400 reviews of 40 books in the layout of data/tokens; their words are `words_of(draw, book, label)`."""
    draw = np.random.default_rng(seed)
    labels = draw.random(400) < 0.4
    books = draw.integers(0, 40, 400)
    tokens = [words_of(draw, book, label) for book, label in zip(books, labels, strict=True)]
    columns = {
        "review_id": pa.array([f"r{i}" for i in range(400)]),
        "book_id": pa.array([f"b{book}" for book in books]),
        "user_id": pa.array([f"u{i % 60}" for i in range(400)]),
        "date": pa.nulls(400, pa.date32()),
        "rating": pa.array([3] * 400, pa.int8()),
        "label": pa.array(labels),
        "tokens": pa.array(tokens, pa.list_(pa.string())).cast(TOKENS),
        "sentence_lengths": pa.array([[len(t)] for t in tokens], pa.list_(pa.uint16())),
        "sentence_labels": pa.nulls(400, pa.list_(pa.bool_())),
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
    """What spoils is another word in each book: known books can be learned, new ones cannot."""

    def words_of(draw, book, label):
        return [*noise(draw)[:2], f"event{book}" if label else f"scene{book}"]

    found = measure(write_tokens(tmp_path / "tokens.parquet", 1, words_of), settings())
    by_book, random = found["splits"]["book"], found["splits"]["random"]
    assert by_book["of_known_books"] == 0
    assert random["of_known_books"] > 0.9
    assert random["average_precision"] > 0.9
    assert by_book["low"] < by_book["average_precision"] < 0.7
    assert known_books_help(found)
    word = found["word"]
    assert word["reviews_with_word"] == 0
    assert word["lost"] == word["lost_low"] == word["lost_high"] == 0


def test_a_word_that_gives_labels_away(tmp_path) -> None:
    def words_of(draw, book, label):
        return noise(draw) + ["spoilers"] * bool(label and draw.random() < 0.8)

    found = measure(write_tokens(tmp_path / "tokens.parquet", 2, words_of), settings())
    assert not known_books_help(found)
    word = found["word"]
    assert word["spoilers_with_word"] == pytest.approx(0.8, abs=0.15)
    assert word["reviews_with_word"] < word["spoilers_with_word"]
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
    assert found["word"] is None


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
