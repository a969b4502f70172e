"""Records of both layouts, errors in others, and the ends of sentences."""

import json
from datetime import date

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spoilers.corpus.layouts import Rejected, parse, split_sentences, split_spans
from spoilers.corpus.normalise import normalise

IDS = {"user_id": "u", "book_id": "7", "review_id": "r", "rating": 3}
MARKED = IDS | {
    "timestamp": "2017-08-30",
    "review_sentences": [[0, "Good."], [1, "He dies."]],
    "has_spoiler": True,
}
RAW = IDS | {
    "date_updated": "Wed Aug 30 00:00:26 -0700 2017",
    "review_text": "Good. (view spoiler)[He dies. (hide spoiler)]",
}


def parsed(record: dict, **changes):
    return parse(json.dumps(record | changes).encode())


@pytest.mark.parametrize("record", [MARKED, RAW])
def test_both_layouts(record):
    review = parsed(record)
    assert review[:6] == ("r", "7", "u", date(2017, 8, 30), 3, True)
    assert review.sentences == ["Good.", "He dies."] and review.flags == [0, 1]
    assert not review.banner and not review.faults


def test_other_keys_do_not_matter():
    assert parsed(RAW, n_votes=3, started_at="") == parsed(RAW)
    assert parsed(MARKED, n_votes=3) == parsed(MARKED)


def test_the_layout_is_told_by_the_key_alone():
    named = parsed(MARKED, review_sentences=[[0, "review_text"], [1, '"review_text": "x"']])
    assert named.sentences == ["review_text", '"review_text": "x"']
    assert parse(json.dumps(RAW).encode().replace(b'"review_text":', b'"review_text" \t:')) == parsed(RAW)


def without(record: dict, key: str) -> dict:
    return {name: value for name, value in record.items() if name != key}


WRONG = [
    (MARKED | {"rating": "good"}, "wrong_rating"),
    (MARKED | {"rating": "3.5"}, "wrong_rating"),
    (MARKED | {"rating": 3.5}, "wrong_rating"),
    (MARKED | {"rating": 6}, "wrong_rating"),
    (MARKED | {"rating": True}, "wrong_rating"),
    (MARKED | {"book_id": 7.5}, "wrong_book_id"),
    (MARKED | {"book_id": True}, "wrong_book_id"),
    (MARKED | {"book_id": None}, "wrong_book_id"),
    (MARKED | {"user_id": ""}, "wrong_user_id"),
    (MARKED | {"review_sentences": "Good."}, "wrong_review_sentences"),
    (MARKED | {"review_sentences": [[0]]}, "wrong_review_sentences"),
    (MARKED | {"review_sentences": [["0", "Good."]]}, "wrong_review_sentences"),
    (MARKED | {"review_sentences": [[0, None]]}, "wrong_review_sentences"),
    (MARKED | {"review_sentences": [[2, "Good."]]}, "flag_not_0_or_1"),
    (MARKED | {"has_spoiler": False}, "has_spoiler_against_flags"),
    (MARKED | {"review_sentences": [[0, "Good."]]}, "has_spoiler_against_flags"),
    (MARKED | {"has_spoiler": 2}, "wrong_has_spoiler"),
    (MARKED | {"has_spoiler": None}, "wrong_has_spoiler"),
    (MARKED | {"has_spoiler": 0}, "has_spoiler_against_flags"),
    (MARKED | {"timestamp": None}, "wrong_timestamp"),
    (MARKED | {"timestamp": 1504051200}, "wrong_timestamp"),  # seconds, or the first days of 1970
    (MARKED | {"timestamp": "2017-02-30 00:00:00"}, "wrong_timestamp"),
    (MARKED | {"timestamp": "30/08/2017"}, "wrong_timestamp"),
    (MARKED | {"timestamp": 1e300}, "wrong_timestamp"),
    (MARKED | {"timestamp": "2017-02-30"}, "wrong_timestamp"),
    (MARKED | {"timestamp": "2017-W35-3"}, "wrong_timestamp"),
    (RAW | {"date_updated": "30 Aug 2017"}, "wrong_date_updated"),
    (RAW | {"date_updated": "Wed Feb 30 00:00:26 -0700 2017"}, "wrong_date_updated"),
    (RAW | {"review_text": 1}, "wrong_review_text"),
    *((without(MARKED, key), f"missing_{key}") for key in MARKED),
    *((without(RAW, key), f"missing_{key}") for key in RAW if key != "review_text"),
]


SAVED_AGAIN = [  # as pandas does, for example
    ("book_id", 7),
    ("book_id", 7.0),
    ("rating", 3.0),
    ("rating", "3"),
    ("rating", "3.0"),
    ("timestamp", "2017-08-30 00:00:00"),
    ("timestamp", "2017-08-30T23:59:59.999999"),
    ("timestamp", "2017-08-30T00:00:00.000Z"),
    ("timestamp", "2017-08-30 07:00:26+02:00"),
    ("timestamp", 1504051200000),
    ("timestamp", 1504137599999.0),
    ("date_updated", "2017-08-30T07:00:26.000Z"),
    ("date_updated", 1504076426000),
    ("has_spoiler", 1),
    ("has_spoiler", 1.0),
    ("has_spoiler", "true"),
]


@pytest.mark.parametrize(("key", "value"), SAVED_AGAIN)
def test_what_has_one_meaning_is_converted_and_named(key, value):
    record = MARKED if key in MARKED else RAW
    assert parsed(record, **{key: value}) == parsed(record)._replace(converted=[key])


def test_no_rating_is_none():
    assert parsed(MARKED, rating=None) == parsed(MARKED, rating=0)._replace(converted=["rating"])


def test_either_layout_has_either_date():
    assert parsed(RAW, date_updated="2017-08-30") == parsed(RAW)
    assert parsed(MARKED, timestamp=RAW["date_updated"]) == parsed(MARKED)


@pytest.mark.parametrize("record", [MARKED, RAW])
def test_what_pandas_saves_is_read(tmp_path, record):
    """Use pandas' own methods, which guess dates and numbers."""
    path = tmp_path / "reviews.json"
    path.write_text("".join(json.dumps(record | {"user_id": str(i)}) + "\n" for i in range(3)))
    for how in ({}, {"date_format": "iso"}, {"date_unit": "ms"}):
        pd.read_json(path, lines=True).to_json(path, orient="records", lines=True, **how)
        assert [parse(line)._replace(converted=[]) for line in path.read_bytes().splitlines()] == [
            parsed(record, user_id=str(i))._replace(converted=[]) for i in range(3)
        ]


def test_the_wrong_value_is_kept():
    with pytest.raises(Rejected) as why:
        parsed(MARKED, rating="good", book_id=7)
    assert why.value.value == "good"


@pytest.mark.parametrize(("record", "reason"), WRONG)
def test_wrong_records(record, reason):
    with pytest.raises(Rejected) as why:
        parsed(record)
    assert str(why.value) == reason


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "invalid_json"),
        (b'{"a": "\x00"}', "invalid_json"),
        (b'{"a": "\\ud800"}', "invalid_json"),
        (b"{} {}", "invalid_json"),
        (b"[" * 100_000, "invalid_json"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "invalid_json"),
        (b'{"a": "\xff"}', "not_utf8"),
        (b"[]", "not_an_object"),
        (b"null", "not_an_object"),
        (b"{}", "missing_user_id"),
    ],
)
def test_wrong_lines(line, reason):
    with pytest.raises(Rejected) as why:
        parse(line)
    assert str(why.value) == reason


def test_last_of_duplicate_keys_counts():
    assert parse(json.dumps(MARKED).encode()[:-1] + b', "book_id": "8"}').book_id == "8"


@pytest.mark.parametrize(
    ("sentences", "left"),
    [
        (["** spoiler alert **", "Good."], ["", "Good."]),
        (["** Spoiler Alert ** Good."], ["Good."]),
    ],
)
def test_banner(sentences, left):
    pairs = [[0, sentence] for sentence in sentences]
    review = parsed(MARKED, review_sentences=pairs, has_spoiler=False)
    assert review.banner and not review.label and review.sentences == left
    review = parsed(RAW, review_text=" ".join(sentences))
    assert review.banner and not review.label and review.sentences == ["Good."]


OPEN, CLOSE = "(view spoiler)[", "(hide spoiler)]"


@pytest.mark.parametrize(
    ("text", "spoilers", "faults"),
    [
        ("a", "", []),
        (f"a{OPEN}b{CLOSE}c", "b", []),
        (f"a{OPEN}b", "b", ["unclosed"]),
        (f"a{CLOSE}b", "", ["unopened"]),
        (f"a{OPEN}b{OPEN}c{CLOSE}d{CLOSE}e", "bcd", ["nested"]),
        (f"a{OPEN}b{OPEN}c{CLOSE}d", "bcd", ["nested", "unclosed"]),
        (f"a{CLOSE}b{OPEN}c{CLOSE}{CLOSE}d", "c", ["unopened", "unopened"]),
        (f"{OPEN}{CLOSE}a", "", []),
    ],
)
def test_spoiler_tags(text, spoilers, faults):
    spans, found = split_spans(text)
    assert "".join(span for flag, span in spans if flag) == spoilers
    assert "".join(span for _, span in spans) == text.replace(OPEN, "").replace(CLOSE, "")
    assert found == faults


BLANKS = [
    "  ",
    "\t",
    "\u00a0",
    "\n",
    "\r\n ",
    "&nbsp;",
    "&#160;",
    "&#x00A0;",
    "\u200b",
    " \u3000",
    "<br />",
    "\0",
]
OPENS = [
    *(f"(view{blank}spoiler)[" for blank in BLANKS),
    *(f"(view spoiler){blank}[" for blank in BLANKS),
    *(f"({blank}VIEW Spoiler{blank})[" for blank in BLANKS),
    "&#40;view spoiler&#41;&#91;",
    "&lpar;view&nbsp;spoiler&rpar; &lsqb;",
    "&#X28;view spoiler&#x29;&#x5B;",
]


@pytest.mark.parametrize("tag", OPENS)
def test_tags_however_they_are_written(tag):
    close = tag.replace("[", "]").replace("91", "93").replace("5B", "5D").replace("lsqb", "rsqb")
    close = close.replace("view", "hide").replace("VIEW", "HIDE")
    assert split_spans(f"a{tag}b{close}c") == ([(0, "a"), (1, "b"), (0, "c")], [])
    # Tags that only normalising would reveal are removed too.
    assert normalise(pa.array([f"a {tag}b{close} c"])).to_pylist() == ["a b c"]


def test_long_runs_of_blanks_take_no_time():
    """Quadratic time would be a minute."""
    text = "(view" + " " * 200_000 + "(hide spoiler" + "&nbsp;" * 50_000 + "(" * 100_000
    assert split_spans(text) == ([(0, text)], [])


@pytest.mark.parametrize(
    "sentences",
    [
        ["One.", "Two!", "Three?", "4 more."],
        ['"Really?"', "She said so.", "(Yes.)", '"No."'],
        ["It was e.g. this, i.e. that."],
        ["Mr. Darcy met Dr. Watson and J. R. Smith.", "So did I.", "They left."],
        ["Wait... what?", "Version 2.5 is out.", "\u00c9t\u00e9 came\u2026", "\u201cDone.\u201d"],
    ],
)
def test_sentences(sentences):
    assert split_sentences("  " + " ".join(sentences) + "\n") == sentences


def test_line_breaks_end_sentences():
    assert split_sentences("a title\nand text\n\n \nmore") == ["a title", "and text", "more"]


words = st.text("abcdefgh,'-", min_size=1, max_size=6)
sentence = st.builds(
    lambda first, more, end: " ".join([first, *more]) + end,
    st.from_regex("[A-Z][a-z]{4}", fullmatch=True),
    st.lists(words, max_size=5),
    st.sampled_from([".", "!", "?", "...", '."', ".)", '!")']),
)


@given(st.lists(st.tuples(st.integers(0, 1), sentence), min_size=1, max_size=8))
def test_layouts_agree(pairs):
    text = " ".join(f"{OPEN}{part} {CLOSE}" if flag else part for flag, part in pairs)
    marked = parsed(MARKED, review_sentences=pairs, has_spoiler=any(flag for flag, _ in pairs))
    assert parsed(RAW, review_text=text) == marked
