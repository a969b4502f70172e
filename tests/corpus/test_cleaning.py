"""Every line is kept, dropped or rejected, and counted; no half-written file stays."""

import gzip
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from spoilers.core import params
from spoilers.core.errors import UserError
from spoilers.corpus import cleaning, lines
from spoilers.corpus.cleaning import clean
from tests import ROOT

SETTINGS = params.load(ROOT / "params.yaml").clean.model_copy(update={"max_rejected": 1.0})
WORDS = [a + b + c for a in "bdfgklmnprst" for b in ("a", "e", "io") for c in ("l", "nd", "rs", "t")]


def record(number: int, *sentences: str, flags=None, **changes) -> dict:
    flags = flags or [0] * len(sentences)
    return {
        "user_id": f"u{number // 5}",
        "timestamp": "2015-03-04",
        "review_sentences": list(map(list, zip(flags, sentences, strict=True))),
        "rating": 4,
        "has_spoiler": 1 in flags,
        "book_id": str(number % 40),
        "review_id": f"r{number}",
    } | changes


def records(number: int, seed: int = 0) -> list[dict]:
    draw = random.Random(seed)
    result = []
    for i in range(number):
        sentences = [" ".join(draw.choices(WORDS, k=9)).capitalize() + "." for _ in range(draw.randint(2, 9))]
        flags = [int(i % 7 == 0 and j > 0) for j in range(len(sentences))]
        day = f"{draw.randint(2008, 2017)}-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}"
        result.append(record(i, *sentences, flags=flags, timestamp=day))
    return result


def pack(lines: list) -> bytes:
    lines = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    return gzip.compress(b"\n".join(lines) + b"\n", 1, mtime=0)


class Cleaned:
    """The results of `clean`."""

    def __init__(self, folder: Path, lines: list, **changes):
        source = folder / "in.json.gz"
        source.write_bytes(lines if isinstance(lines, bytes) else pack(lines))
        out = folder / "out"
        settings = SETTINGS.model_copy(update=changes)
        self.counts = clean(source, out / "reviews.parquet", out / "rejected.jsonl", settings, 2)
        assert sorted(os.listdir(out)) == ["rejected.jsonl", "reviews.parquet"]
        self.rows = pq.read_table(out / "reviews.parquet").to_pylist()
        self.bytes = (out / "reviews.parquet").read_bytes()
        self.rejected = [json.loads(line) for line in (out / "rejected.jsonl").read_text().splitlines()]
        counts = self.counts
        assert counts["kept"] == len(self.rows)
        assert counts["rejected"] == len(self.rejected)
        assert counts["kept"] + counts["dropped"] + counts["rejected"] == counts["read"]
        for total in ("dropped", "rejected"):
            reasons = [n for name, n in counts.items() if name.startswith(total + "_")]
            assert sum(reasons) == counts[total] and 0 not in reasons

    @property
    def ids(self) -> list[str]:
        return [row["review_id"] for row in self.rows]


def test_rows_and_order(tmp_path):
    given = records(100)
    cleaned = Cleaned(tmp_path, [given[0], b"", b"  ", *given[1:]])
    assert cleaned.ids == [review["review_id"] for review in given]
    assert cleaned.counts["read"] == 100
    for row, review in zip(cleaned.rows, given, strict=True):
        assert row["sentences"] == [text for _, text in review["review_sentences"]]
        assert row["sentence_labels"] == [flag == 1 for flag, _ in review["review_sentences"]]
        assert row["label"] == review["has_spoiler"]
        assert str(row["date"]) == review["timestamp"]
    assert cleaned.counts["kept_spoilers"] == sum(review["has_spoiler"] for review in given)


def test_both_layouts_and_tags(tmp_path):
    text = "Fine. (hide spoiler)] So. (view spoiler)[She (view spoiler)[dies."
    raw = {
        key: value for key, value in record(1).items() if key in ("user_id", "book_id", "review_id", "rating")
    }
    raw |= {"review_text": text, "date_updated": "Wed Aug 30 00:00:26 -0700 2017"}
    cleaned = Cleaned(tmp_path, [record(0, "One."), raw])
    assert cleaned.rows[1]["sentences"] == ["Fine.", "So.", "She", "dies."]
    assert cleaned.rows[1]["sentence_labels"] == [False, False, True, True]
    counts = {name: n for name, n in cleaned.counts.items() if name.startswith("tags_")}
    assert counts == {"tags_nested": 1, "tags_unclosed": 2, "tags_unopened": 1}


@pytest.mark.parametrize(("banner", "label"), [("drop", None), ("relabel", True), ("keep", False)])
def test_banner(tmp_path, banner, label):
    opens = record(0, "** spoiler alert **", "She dies.")
    cleaned = Cleaned(tmp_path, [opens, record(1, "Fine.")], banner=banner)
    assert cleaned.counts["banners"] == 1
    if label is None:
        assert cleaned.ids == ["r1"] and cleaned.counts["dropped_banner"] == 1
    else:
        assert cleaned.rows[0]["sentences"] == ["She dies."] and cleaned.rows[0]["label"] is label
        assert cleaned.rows[0]["sentence_labels"] == (None if label else [False])


def test_empty_sentences_and_reviews(tmp_path):
    lines = [
        record(0, "", " \u200b", "Left.", "&nbsp;"),
        record(1),
        record(2, "", "<br>"),
        record(3, "", "But who?", flags=[1, 0]),
    ]
    cleaned = Cleaned(tmp_path, lines)
    assert cleaned.ids == ["r0", "r3"] and cleaned.counts["dropped_empty"] == 2
    assert cleaned.rows[0]["sentences"] == ["Left."] and cleaned.rows[0]["sentence_labels"] == [False]
    # The sentence that spoils was empty: the review keeps its label, and no sentence has one.
    assert cleaned.rows[1]["label"] and cleaned.rows[1]["sentence_labels"] is None


def test_duplicates(tmp_path):
    lines = [
        record(0, "Review to come."),
        record(1, "Something else."),
        record(2, "review", "to come!!"),
        record(3, "He is the murderer.", flags=[1]),
        record(4, "He is the murderer."),
        record(5, "...", "!"),
        record(6, "?"),
    ]
    cleaned = Cleaned(tmp_path, lines)
    assert cleaned.ids == ["r0", "r1", "r5", "r6"]
    assert cleaned.counts["dropped_duplicate"] == 1 and cleaned.counts["dropped_conflicting_labels"] == 2


def test_fraction_keeps_whole_books(tmp_path):
    given = records(400)
    books = [set(), set()]
    for kept, fraction in zip(books, (0.3, 0.7), strict=True):
        cleaned = Cleaned(tmp_path, given, fraction=fraction)
        kept |= {row["book_id"] for row in cleaned.rows}
        assert cleaned.ids == [review["review_id"] for review in given if review["book_id"] in kept]
    assert 0 < len(books[0]) < len(books[1]) < 40 and books[0] < books[1]


def test_mask(tmp_path):
    cleaned = Cleaned(tmp_path, [record(0, "Spoilers ahead.")], mask_spoiler_word=True)
    assert cleaned.rows[0]["sentences"] == ["<spoil> ahead."]


def test_rejected_lines(tmp_path):
    long = json.dumps(record(3, "x" * 3000)).encode()
    lines = [record(0, "Fine."), b"{" + b"\xc3\xa9" * 300, b'{"a": "\xff"}', long, b"\0" * 10]
    cleaned = Cleaned(tmp_path, lines, max_line_bytes=2000)
    assert cleaned.rejected == [
        {"line": 2, "reason": "invalid_json", "text": "{" + "\u00e9" * 199},
        {"line": 3, "reason": "not_utf8", "text": '{"a": "\ufffd"}'},
        {"line": 4, "reason": "line_too_long", "text": long.decode()[:200]},
        {"line": 5, "reason": "invalid_json", "text": "\0" * 10},
    ]


def test_a_byte_order_mark_costs_no_review(tmp_path):
    cleaned = Cleaned(tmp_path, pack([b"\xef\xbb\xbf" + json.dumps(record(0, "Fine.")).encode()]))
    assert cleaned.ids == ["r0"]


def test_what_was_converted_is_counted_and_what_is_wrong_is_shown(tmp_path):
    """Show the wrong value wherever it is in its line."""
    saved = [record(i, f"Fine {i}.") | {"book_id": 7, "timestamp": 1504051200000} for i in range(2)]
    wrong = record(3, "x" * 500) | {"rating": "good"}
    cleaned = Cleaned(tmp_path, [*saved, record(2, "So."), wrong])
    assert [row["book_id"] for row in cleaned.rows[:2]] == ["7", "7"]
    assert {k: n for k, n in cleaned.counts.items() if k.startswith("converted")} == {
        "converted_book_id": 2,
        "converted_timestamp": 2,
    }
    assert cleaned.rejected[0]["reason"] == "wrong_rating" and cleaned.rejected[0]["value"] == "'good'"


def test_rejected_lines_are_listed_up_to_a_number(tmp_path, monkeypatch):
    """List the first ones, whatever the block size, and count the others."""
    given = [line for review in records(30) for line in (json.dumps(review).encode(), b"x", b"y")]
    monkeypatch.setattr(cleaning, "LISTED", 25)
    for size in (10, 1 << 22):
        monkeypatch.setattr(lines, "BLOCK", size)
        source, out = tmp_path / "in.json.gz", tmp_path / "out"
        source.write_bytes(pack(given))
        counts = clean(source, out / "reviews.parquet", out / "rejected.jsonl", SETTINGS, 1)
        listed = [json.loads(line)["line"] for line in (out / "rejected.jsonl").read_text().splitlines()]
        assert listed == [number for number in range(1, 90) if number % 3 != 1][:25]
        assert (counts["rejected"], counts["not_listed"]) == (60, 35)


def test_a_file_of_another_kind_is_not_read_to_its_end(tmp_path, monkeypatch):
    read = []
    monkeypatch.setattr(lines, "BLOCK", 1000)
    monkeypatch.setattr(cleaning, "HOPELESS", 2000)
    original = cleaning.write_chunks
    monkeypatch.setattr(cleaning, "write_chunks", lambda *how: (read.append(c) or c for c in original(*how)))
    with pytest.raises(UserError, match="lines are malformed"):
        Cleaned(tmp_path, gzip.compress(b"x\n" * 100_000, mtime=0), max_rejected=0.5)
    assert len(read) < 20 and os.listdir(tmp_path / "out") == []


@pytest.mark.parametrize(
    ("lines", "changes", "message"),
    [
        ([], {}, r"holds no reviews"),
        (gzip.compress(b' \n[{"review_id": "1"},\n{"review_id": "2"}]', mtime=0), {}, r"is one JSON array"),
        (
            [record(0, "Fine.")] * 9 + [b"x"] * 2,
            {"max_rejected": 0.1},
            r"2 of 11 .*line 10 \(invalid_json: 'x'\)",
        ),
        ([record(0, ""), record(1, "** spoiler alert **")], {}, r"none is left .*dropped_empty 1"),
        (
            [record(0, "Fine.")],
            {"fraction": 1e-9},
            r"none is left \(dropped_other_books 1\).*clean\.fraction",
        ),
        (pack(records(3000))[:-5000], {}, r"damaged after line"),
    ],
)
def test_clear_errors_leave_nothing(tmp_path, lines, changes, message):
    with pytest.raises(UserError, match=message):
        Cleaned(tmp_path, lines, **changes)
    assert os.listdir(tmp_path / "out") == []


def test_batches_and_runs_make_no_difference(tmp_path, monkeypatch):
    given = [*records(60), record(60, ""), *records(60), b"x", record(61, "** spoiler alert **")]
    first, second = Cleaned(tmp_path, given), Cleaned(tmp_path, given)
    assert first.bytes == second.bytes
    for module, name, size in ((lines, "BLOCK", 10), (lines, "BLOCK", 3000), (cleaning, "ROW_GROUP", 7)):
        monkeypatch.setattr(module, name, size)
        other = Cleaned(tmp_path, given)
        assert (other.rows, other.rejected, other.counts) == (first.rows, first.rejected, first.counts)


def damage(draw: random.Random, line: bytes) -> bytes:
    """Change, delete, repeat or insert a few bytes of a line, or swap in other JSON."""
    line = bytearray(line)
    for _ in range(draw.randint(1, 3)):
        at = draw.randrange(len(line))
        until = min(at + draw.randint(1, 20), len(line))
        match draw.randrange(5):
            case 0:
                line[at] = draw.randrange(256)
            case 1:
                del line[at : min(until, len(line) - 1)]
            case 2:
                line[at:at] = line[at:until]
            case 3:
                line[at:at] = draw.choice([b"\0", b"\xff", b"\n", b'"', b"[", b"{", b"\\ud800", b"\\u0000"])
            case 4:
                old = draw.choice([b"[0, ", b'"rating": 4', b"false", b'"u', b'"2', b"_id", b"timestamp"])
                new = draw.choice(
                    [b"[2, ", b'"rating": "4"', b"true", b"null", b"-1", b"1e400", b"[[]]", b"{}"]
                )
                line = bytearray(bytes(line).replace(old, new, 1))
    return bytes(line)


def test_ten_thousand_damaged_records(tmp_path):
    draw = random.Random(11)
    lines = [damage(draw, json.dumps(review).encode()) for review in records(10_000)]
    cleaned = Cleaned(tmp_path, lines)
    assert cleaned.counts["read"] >= 9_990  # a line may be cut in two
    assert cleaned.counts["kept"] > 1000
    reasons = {name.removeprefix("rejected_") for name in cleaned.counts if name.startswith("rejected_")}
    assert reasons >= {
        "invalid_json",
        "not_utf8",
        "flag_not_0_or_1",
        "has_spoiler_against_flags",
        "wrong_rating",
        "wrong_timestamp",
        "missing_timestamp",
    }


STAGES = {
    "download": ("data/raw/reviews.json.gz", "data/raw/source.json"),
    "clean": ("data/clean/reviews.parquet", "data/clean/rejected.jsonl", "data/results/clean.json"),
    "tokenize": ("data/tokens/reviews.parquet",),
    "split": (
        *(f"data/splits/{name}.parquet" for name in ("train", "validation", "test")),
        "data/splits/vocabulary.txt",
    ),
}


def start(stage: str, project: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", f"stages.{stage}"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, cwd=project, env=environment, stdout=subprocess.DEVNULL)


def test_killed_and_run_again(tmp_path):
    """Kill each stage at random in its second half; its files appear at the end."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    draw = random.Random(3)
    for stage, outputs in STAGES.items():
        if stage == "clean":  # a larger file than the sample, with a line that is rejected
            (tmp_path / "data/raw/reviews.json.gz").write_bytes(pack([*records(8_000), b"x"]))
        began = time.monotonic()
        assert start(stage, tmp_path).wait() == 0
        seconds = time.monotonic() - began
        undisturbed = {name: (tmp_path / name).read_bytes() for name in outputs}
        for name in outputs:
            (tmp_path / name).unlink()
        process = start(stage, tmp_path)
        time.sleep(draw.uniform(0.5, 1) * seconds)
        process.send_signal(signal.SIGKILL)
        process.wait()
        for name in outputs:  # complete or absent
            if (tmp_path / name).exists():
                assert (tmp_path / name).read_bytes() == undisturbed[name]
        assert start(stage, tmp_path).wait() == 0
        assert {name: (tmp_path / name).read_bytes() for name in outputs} == undisturbed
        assert not list(tmp_path.glob("data/**/*.partial"))
