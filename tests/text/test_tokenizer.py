"""Compare the tokenizer with its rule in plain Python, and test the table of tokens."""

import random
import sys
from itertools import chain

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spoilers.text import token_table
from spoilers.text.token_table import tokenize_batch, tokenize_file
from spoilers.text.tokenizer import tokenize

CHARS = [chr(i) for i in range(sys.maxunicode + 1) if not 0xD800 <= i < 0xE000]


def of_class(pattern: str) -> set[str]:
    chars = pa.array(CHARS)
    return set(chars.filter(pc.match_substring_regex(chars, pattern)).to_pylist())


LETTERS, NUMBERS = of_class(r"[\p{L}\p{M}]"), of_class(r"\p{N}")
LOWER = dict(zip(CHARS, pc.utf8_lower(pa.array(CHARS)).to_pylist(), strict=True))


def reference(text: str, lowercase: bool = True) -> list[str]:
    if lowercase:
        text = "".join(LOWER[char] for char in text)
    return [token for chunk in text.split() for token in cut(chunk)]


def cut(chunk: str):
    while chunk:
        n = token_length(chunk)
        yield chunk[:n]
        chunk = chunk[n:]


def token_length(chunk: str) -> int:
    inside = chunk[1:].partition(">")
    if chunk[0] == "<" and inside[1] and inside[0] and all("a" <= char <= "z" for char in inside[0]):
        return len(inside[0]) + 2
    for start in ("http://", "https://", "www."):
        if chunk.startswith(start) and len(chunk) > len(start):
            return len(chunk)
    for members, joints in ((LETTERS, "'\u2019"), (NUMBERS, ".,")):
        if chunk[0] in members:
            n = 1
            while n < len(chunk):
                if chunk[n] in members:
                    n += 1
                elif chunk[n] in joints and chunk[n + 1 : n + 2] in members:
                    n += 2
                else:
                    break
            return n
    return 1


def tokens(*texts: str, lowercase: bool = True) -> list[list[str]]:
    return tokenize(pa.array(texts, pa.string()), lowercase).to_pylist()


def test_classes_are_those_of_the_letters_we_know():
    assert {char for char in CHARS[:0x250] if char.isalpha()} == {
        char for char in CHARS[:0x250] if char in LETTERS
    }
    assert {"\u0301", "\u4e2d", "\u05d0"} <= LETTERS and {"5", "\u00bd", "\u0663"} <= NUMBERS


def test_white_space_is_that_of_python():
    cut_at = tokenize(pa.array([f"a{char}a" for char in CHARS]), False)
    lengths = pc.list_value_length(cut_at).to_pylist()  # 3 where a character is a token
    assert {char for char, n in zip(CHARS, lengths, strict=True) if n == 2} == {
        c for c in CHARS if c.isspace()
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't stop, rock 'n' roll!", ["don't", "stop", ",", "rock", "'", "n", "'", "roll", "!"]),
        ("In 1,000.5 of 2. cases", ["in", "1,000.5", "of", "2", ".", "cases"]),
        (
            "http://a.b/c?d=(e), WWW.x.org www. xwww.y",
            ["http://a.b/c?d=(e),", "www.x.org", "www", ".", "xwww", ".", "y"],
        ),
        ("<url> <spoil>s <3 <Url>", ["<url>", "<spoil>", "s", "<", "3", "<url>"]),
        (
            "caf\u00e9 e\u0301t\u00e9 \u4e2d\u6587 it\u2019s",
            ["caf\u00e9", "e\u0301t\u00e9", "\u4e2d\u6587", "it\u2019s"],
        ),
        ("a\u00a0b\u2028c\u3000d\x1ce\u200bf", ["a", "b", "c", "d", "e", "\u200b", "f"]),
        ("...5stars", [".", ".", ".", "5", "stars"]),
        ("\U0001f600\U0001f600", ["\U0001f600", "\U0001f600"]),
        (" \n ", []),
        ("", []),
    ],
)
def test_examples(text, expected):
    assert tokens(text) == [expected]
    assert reference(text) == expected


def test_case():
    assert tokens("\u00c9T\u00c9 \u0130\u03a3", lowercase=False) == [["\u00c9T\u00c9", "\u0130\u03a3"]]
    assert tokens("\u00c9T\u00c9 \u03a3") == [["\u00e9t\u00e9", "\u03c3"]]


PIECES = st.sampled_from(
    ["'", "\u2019", ".", ",", " ", "\u00a0", "http://", "www.", "<", ">", "<url>", "12", "it's"]
)
texts = st.text() | st.lists(st.text(max_size=3) | PIECES).map("".join)


@given(st.lists(texts, max_size=5), st.booleans())
def test_rule(batch, lowercase):
    assert tokens(*batch, lowercase=lowercase) == [reference(text, lowercase) for text in batch]


def test_white_space_at_the_end():
    """Arrow's own kernel misses it in one of several hundred small batches."""
    draw = random.Random(5)
    for _ in range(400):
        batch = ["".join(draw.choices(["a", "\u2019s", ".", "\u00a0", "\u2003"], k=6)) + "\u00a0"]
        assert tokens(*batch) == [reference(text) for text in batch]


def test_many_characters():
    texts = [f"a{char}1" for char in [*CHARS[:0x3100], *CHARS[0x3100::101]]]
    assert tokens(*texts) == [reference(text) for text in texts]


def cleaned(reviews: list[list[str]]) -> pa.Table:
    number = len(reviews)
    return pa.table(
        {
            "review_id": [f"r{i}" for i in range(number)],
            "book_id": ["b"] * number,
            "user_id": ["u"] * number,
            "date": pa.array([0] * number, pa.int32()).cast(pa.date32()),
            "rating": pa.array([3] * number, pa.int8()),
            "label": [i % 2 == 0 for i in range(number)],
            "sentences": pa.array(reviews, pa.list_(pa.string())),
            "sentence_labels": pa.array([[True] * len(review) for review in reviews], pa.list_(pa.bool_())),
        }
    )


@settings(max_examples=30)
@given(st.lists(st.lists(texts, max_size=4), max_size=9), st.integers(1, 4))
def test_table_keeps_order_and_sentences(tmp_path_factory, reviews, size):
    folder = tmp_path_factory.mktemp("tokens")
    table = cleaned(reviews)
    pq.write_table(table, folder / "clean.parquet", row_group_size=size)
    expected = [[reference(text) for text in review] for review in reviews]
    counts = tokenize_file(folder / "clean.parquet", folder / "tokens.parquet", True, 2)
    found = pq.read_table(folder / "tokens.parquet")
    assert found["tokens"].to_pylist() == [list(chain.from_iterable(review)) for review in expected]
    assert found["sentence_lengths"].to_pylist() == [list(map(len, review)) for review in expected]
    for name in (*token_table.KEPT, "sentence_labels"):
        assert found[name].to_pylist() == table[name].to_pylist()
    assert counts == (len(reviews), sum(len(text) for review in expected for text in review))


def test_part_of_a_batch():
    batch = cleaned([["a b."], ["c", "d e"], ["f"]]).to_batches()[0]
    assert tokenize_batch(batch[1:2], True)["tokens"].to_pylist() == [["c", "d", "e"]]


def test_longest_sentence(monkeypatch):
    monkeypatch.setattr(token_table, "LONGEST_SENTENCE", 2)
    table = tokenize_batch(cleaned([["a b c d", "e"], ["f g h"]]).to_batches()[0], True)
    assert table["tokens"].to_pylist() == [["a", "b", "e"], ["f", "g"]]
    assert table["sentence_lengths"].to_pylist() == [[2, 1], [2]]


def test_same_bytes_in_every_run(tmp_path):
    table = cleaned([[f"Word {i} of {i * 7 % 13}.", "It's so."] for i in range(200)])
    pq.write_table(table, tmp_path / "in", row_group_size=16)
    outputs = set()
    for run in range(3):
        tokenize_file(tmp_path / "in", tmp_path / f"out{run}", True, 2)
        outputs.add((tmp_path / f"out{run}").read_bytes())
    assert len(outputs) == 1
