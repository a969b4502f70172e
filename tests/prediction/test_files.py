"""Files of reviews: one row out for each row in, whatever it holds, in order and in bounded memory."""

import csv
import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spoilers.core.errors import UserError
from spoilers.corpus.layouts import parse_text
from spoilers.prediction import batches, files, reading, writing
from spoilers.prediction.files import Tally, score_file, to_table
from spoilers.prediction.reading import read_rows
from tests.prediction_data import finder

DETECTOR = finder()
REVIEWS = [
    "I liked it. He dies.",
    "A slow start!",
    "",
    "She dies, 'the butler'\nsaid; \"he\" dies.\n",
    "Emma \u00e9",
]
ONE = {"review_id": "r1", "book_id": "7", "user_id": "u"}


def predict(path: Path, output: Path | None = None, column: str | None = None, strict: bool = False):
    """Do the command's work; return the rows that were written, and the tally."""
    output = output or path.with_name("predictions.parquet")
    tally = Tally(DETECTOR.threshold)
    with writing.writer(output) as write:
        for scored in tally.watch(score_file(DETECTOR, path, column, strict)):
            write(to_table(scored, DETECTOR.threshold))
    return (pq.read_table(output).to_pylist() if output.suffix == ".parquet" else None), tally


def write(path: Path, texts: list[str], column: str = "text") -> Path:
    """Write the texts with ids r0, r1, ... in the path's format."""
    rows = [{"review_id": f"r{i}", column: text} for i, text in enumerate(texts)]
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
        return path
    with (gzip.open if path.suffix == ".gz" else open)(path, "wt", encoding="utf-8", newline="") as file:
        if ".csv" in path.suffixes:
            out = csv.DictWriter(file, rows[0])
            out.writeheader()
            out.writerows(rows)
        else:
            file.writelines(json.dumps(row) + "\n" for row in rows)
    return path


def lines(path: Path, *records: object) -> Path:
    """Write records as JSON lines, and bytes as they are."""
    path.write_bytes(
        b"".join((r if isinstance(r, bytes) else json.dumps(r).encode()) + b"\n" for r in records)
    )
    return path


# What goes in and comes out.


@pytest.mark.parametrize("name", ["in.jsonl", "in.json.gz", "in.csv", "in.csv.gz", "in.parquet"])
@pytest.mark.parametrize("column", [None, "words, all"])
def test_every_input(tmp_path, name, column):
    rows, tally = predict(write(tmp_path / name, REVIEWS, column or "text"), column=column)
    assert [row["row"] for row in rows] == [1, 2, 3, 4, 5]
    assert [row["review_id"] for row in rows] == [f"r{i}" for i in range(5)]
    assert [row["probability"] for row in rows] == pytest.approx([0.9, 0.1, None, 0.9, 0.1])
    assert [row["spoiler"] for row in rows] == [True, False, None, True, False]
    assert [row["problem"] for row in rows] == [None, None, "empty", None, None]
    assert rows[0]["sentences"] == ["I liked it.", "He dies."]
    assert rows[0]["sentence_probabilities"] == pytest.approx([0.1, 0.9])
    assert tally.summary() == "5 reviews, 2 called spoilers; 1 without a score: empty 1"


@pytest.mark.parametrize("suffix", writing.SUFFIXES)
def test_every_output(tmp_path, suffix):
    path, output = write(tmp_path / "in.jsonl", [*REVIEWS, "Yes. " * 50]), tmp_path / f"new/out{suffix}"
    expected, _ = predict(path)
    predict(path, output)
    if suffix == ".parquet":
        rows = pq.read_table(output).to_pylist()
    elif "json" in suffix:
        rows = [json.loads(line) for line in (gzip.open if suffix.endswith("gz") else open)(output)]
    else:
        table = pd.read_csv(output).astype(object)
        rows = table.where(table.notna(), None).to_dict("records")
        for row in rows:
            row |= {key: json.loads(row[key]) for key in ("sentences", "sentence_probabilities")}
    assert None in expected[-1]["sentence_probabilities"], "some sentences of a long review are not read"
    for row, other in zip(rows, expected, strict=True):
        assert row == {key: pytest.approx(value, abs=1e-6) for key, value in other.items()}
    assert [p.name for p in output.parent.iterdir()] == [output.name]


def test_goodreads_layouts(tmp_path):
    marked = ONE | {"review_sentences": [[0, "** spoiler alert ** A slow"], [0, ""], [1, "He dies."]]}
    raw = ONE | {
        "review_text": "** Spoiler alert ** A slow start. (view spoiler)[He dies.(hide spoiler)] Yes."
    }
    plain = ONE | {"review_text": "A slow start."}
    path = lines(tmp_path / "in.json", marked, raw, plain, marked | {"has_spoiler": False})
    rows, tally = predict(path)
    assert {tuple(row[key] for key in ONE) for row in rows} == {tuple(ONE.values())}
    assert rows[0]["sentences"] == ["A slow", "", "He dies."]
    assert rows[0]["sentence_probabilities"] == pytest.approx([0.1, None, 0.9])
    assert rows[1]["sentences"] == ["A slow start.", "He dies.", "Yes."]
    assert np.concatenate(tally.labels).tolist() == [1, 1, 0, 0]


@pytest.mark.parametrize(
    ("value", "label"),
    [(True, 1), (False, 0), (1, 1), (0, 0), ("true", 1), ("0", 0), (None, None), ("?", None)],
)
@pytest.mark.parametrize("name", ["label", "has_spoiler"])
def test_labels(tmp_path, value, label, name):
    (row,) = read_rows(lines(tmp_path / "in.jsonl", {"text": "He dies", name: value}))
    assert row.label == label
    frame = pd.DataFrame({"text": ["He dies"], name: [value]})
    frame.to_csv(tmp_path / "in.csv", index=False)
    frame.to_parquet(tmp_path / "in.parquet")
    for path in ("in.csv", "in.parquet"):
        (row,) = read_rows(tmp_path / path)
        assert row.label == label


def test_types_of_parquet(tmp_path):
    texts = pa.array(["He dies", None, "A slow"])
    for kind in (pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string()), pa.string_view()):
        table = pa.table({"text": texts.cast(kind), "review_id": [1, 2, 3], "label": [True, None, False]})
        pq.write_table(table, tmp_path / "in.parquet")
        rows = list(read_rows(tmp_path / "in.parquet"))
        assert [row.text for row in rows] == ["He dies", "", "A slow"]
        assert [row.ids[0] for row in rows] == ["1", "2", "3"]
        assert [row.label for row in rows] == [True, None, False]
        assert not any(row.problem for row in rows)


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=30), min_size=1, max_size=8))
@settings(max_examples=40, deadline=None)
def test_any_text_passes_through_every_format(tmp_path_factory, texts):
    folder = tmp_path_factory.mktemp("any")
    for name in ("in.csv", "in.parquet", "in.jsonl"):
        texts = [text.replace("\r", "") for text in texts]  # csv does not quote it
        found = [(row.text, list(row.sentences)) for row in read_rows(write(folder / name, texts))]
        parts = map(parse_text, texts)
        assert found == [(part.plain, part.sentences) for part in parts]


def test_ids_are_written_as_they_are(tmp_path):
    """Keep ids that a spreadsheet misreads: people join on them."""
    ids = ["=1+1", "+1", "-1", "@a", "\tb", '"', "a,b"]
    path = lines(tmp_path / "in.jsonl", *({"text": "He dies", "review_id": i} for i in ids))
    predict(path, tmp_path / "out.csv")
    with open(tmp_path / "out.csv", newline="") as file:
        assert [row["review_id"] for row in csv.DictReader(file)] == ids


# Rows that cannot be scored.


def test_bad_json_lines_are_rows(tmp_path):
    good = {"text": "He dies"}
    bad = {
        "invalid_json": b"{",
        "not_utf8": b'{"text": "\xff"}',
        "not_an_object": b"[1]",
        "missing_text": {"words": "He dies"},
        "wrong_text": {"text": 5},
        "wrong_review_sentences": {"review_sentences": [["0", "He dies"]]},
        "empty": {"text": " \0"},
    }
    nothing = {"text": None}
    path = lines(tmp_path / "in.jsonl", good, *bad.values(), b"", nothing, good)
    rows, tally = predict(path)
    assert [row["problem"] for row in rows] == [None, *bad, "empty", None]
    assert [row["probability"] for row in rows] == pytest.approx([0.9, *[None] * len(bad), None, 0.9])
    assert tally.problems == dict.fromkeys(bad, 1) | {"empty": 2}
    with pytest.raises(UserError, match=r"in\.jsonl: row 2 cannot be scored \(invalid_json\).*--strict"):
        predict(path, tmp_path / "strict.csv", strict=True)
    assert not list(tmp_path.glob("*strict*"))


def test_a_byte_order_mark_costs_no_row(tmp_path):
    (tmp_path / "in.jsonl").write_bytes(b'\xef\xbb\xbf{"text": "He dies"}\n{"text": "A slow"}\n')
    assert [row.text for row in read_rows(tmp_path / "in.jsonl")] == ["He dies", "A slow"]


@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b"\n \n "])
def test_a_json_array_is_a_mistake(tmp_path, before):
    (tmp_path / "in.json").write_bytes(before + b'[{"text": "He dies"}]')
    with pytest.raises(UserError, match=r"in\.json: is one JSON array; write one object a line"):
        list(read_rows(tmp_path / "in.json"))


def test_bad_csv_lines_are_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "LONGEST", 60)
    parts = [
        b"\xef\xbb\xbftext,review_id",
        b'"He, ""she"",\r\n dies",1',
        b"too,many,fields",
        b"few",
        b'"quoted" and not,4',
        b"\xff\xfe,5",
        b"x" * 100 + b",6",
        b'"' + b"x" * 30,
        b"y" * 100 + b'",7',
        b"",
        b"a\0b,8",
        b"He dies,9",
    ]
    (tmp_path / "in.csv").write_bytes(b"\n".join(parts) + b"\n")
    rows, _ = predict(tmp_path / "in.csv")
    problems = [row["problem"] for row in rows]
    fields = "wrong_number_of_fields"
    assert problems == [
        None,
        fields,
        fields,
        "invalid_csv",
        "not_utf8",
        "invalid_csv",
        "invalid_csv",
        None,
        None,
    ]
    assert [row["review_id"] for row in rows] == ["1", None, None, None, "5", None, None, "8", "9"]
    assert rows[0]["sentences"] == ['He, "she",', "dies"]


def test_bad_parquet_text_is_a_row(tmp_path):
    raw = pa.array([b"He dies", b"\xff\xfe"], pa.binary())
    texts = pa.Array.from_buffers(pa.string(), 2, raw.buffers())
    pq.write_table(pa.table({"text": texts, "review_id": texts}), tmp_path / "in.parquet")
    rows, _ = predict(tmp_path / "in.parquet")
    assert [row["problem"] for row in rows] == [None, "not_utf8"]


def test_a_line_too_long_is_a_row(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "LONGEST", 100)
    path = write(tmp_path / "in.jsonl", ["He dies", "x" * 100, "A slow"])
    assert [row["problem"] for row in predict(path)[0]] == [None, "line_too_long", None]


# Files that cannot be used.


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("absent.jsonl", None, "absent.jsonl: No such file"),
        ("absent.parquet", None, "absent.parquet: could not be read"),
        ("a.jsonl", b"", "holds no reviews"),
        ("a.csv", b"", "has no column"),
        ("a.csv", b"text\n", "holds no reviews"),
        (
            "a.csv",
            b"words,b\nHe,2\n",
            "no column 'review_text' or 'text'; its columns are words, b; .* --text-column",
        ),
        ("a.csv", b'"text" x\n', "its first line is not one of column names"),
        ("a.jsonl", b'{"words": 1}\n' * 3, "none of its first 3 records has 'text'; .* --text-column"),
        ("a.json.gz", gzip.compress(b'{"text": "a"}\n' * 10**5, mtime=0)[:-40], "gzip data is damaged"),
        ("a.csv.gz", gzip.compress(b"text\n" + b"a\n" * 10**5, mtime=0)[:-40], "gzip data is damaged"),
        ("a.parquet", b"PAR1 nothing else", "a.parquet: could not be read"),
        ("a.txt", b"He dies", r"its name must end in .json, .jsonl, .csv, .parquet"),
        ("a.jsonl", "folder", "Is a directory"),
        ("a.parquet", "folder", "could not be read"),
    ],
)
def test_files_that_cannot_be_used(tmp_path, name, content, says):
    path = tmp_path / name
    if content == "folder":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=says) as caught:
        predict(path, tmp_path / "out.jsonl")
    assert name in str(caught.value)
    assert not list(tmp_path.glob("*out*"))


def test_a_column_that_is_not_there(tmp_path):
    for name in ("in.jsonl", "in.csv", "in.parquet"):
        with pytest.raises(UserError, match=r"'words'.*--text-column"):
            predict(write(tmp_path / name, REVIEWS), column="words")


def test_parquet_damaged_inside(tmp_path):
    path = write(tmp_path / "in.parquet", [f"He dies {i}" for i in range(3000)])
    content = bytearray(path.read_bytes())
    content[100:4000] = b"\xff" * 3900
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"in\.parquet: could not be read"):
        predict(path)


@pytest.mark.parametrize("name", ["out.txt", "out", "out.json", "out.parquet.gz"])
def test_outputs_of_no_known_format(tmp_path, name):
    with pytest.raises(UserError, match=r"must end in \.parquet, \.csv"):
        predict(write(tmp_path / "in.jsonl", REVIEWS), tmp_path / name)


def test_a_folder_that_cannot_be_made(tmp_path):
    path = write(tmp_path / "in.jsonl", REVIEWS)
    with pytest.raises(UserError, match="could not be written"):
        predict(path, path / "out.csv")


# Scores.


def test_scores_are_those_of_scikit_learn(tmp_path):
    from sklearn import metrics

    draw = np.random.default_rng(3)
    words = ["he", "she", "dies", "a", "slow"]
    records = [
        {"text": " ".join(draw.choice(words, 6)), "label": bool(draw.random() < 0.4)} for _ in range(300)
    ]
    path = lines(tmp_path / "in.jsonl", *records, {"text": "He dies"}, {"text": "", "label": True}, b"{")
    rows, tally = predict(path)
    labels = np.array([record["label"] for record in records])
    probabilities = np.array([row["probability"] for row in rows[:300]])
    called = probabilities >= 0.5
    first, *said = tally.scores().splitlines()
    assert first == f"300 reviews with a label, {labels.sum()} of them spoilers"
    found = {name: float(value) for name, value in map(str.split, said)}
    expected = {
        "average_precision": metrics.average_precision_score(labels, probabilities),
        "roc_auc": metrics.roc_auc_score(labels, probabilities),
        "accuracy": metrics.accuracy_score(labels, called),
        "precision": metrics.precision_score(labels, called),
        "recall": metrics.recall_score(labels, called),
        "f1": metrics.f1_score(labels, called),
        "brier": metrics.brier_score_loss(labels, probabilities),
        "log_loss": metrics.log_loss(labels, probabilities),
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=6e-5)


def test_no_labels_no_scores(tmp_path):
    _, tally = predict(write(tmp_path / "in.jsonl", REVIEWS))
    with pytest.raises(UserError, match="no row has a label"):
        tally.scores()


# A few rows at a time.


def test_rows_are_read_as_they_are_needed(tmp_path, monkeypatch):
    monkeypatch.setattr(batches, "BATCH", 10)
    taken = []

    def counted(*arguments):
        for row in read_rows(*arguments):
            taken.append(row)
            yield row

    monkeypatch.setattr(files, "read_rows", counted)
    path = write(tmp_path / "in.jsonl", [f"He dies {i}" for i in range(200)])
    seen = 0
    for scored in score_file(DETECTOR, path, None, False):
        assert scored.first == seen + 1
        seen += len(scored.rows)
        assert len(taken) <= seen + 20, "one batch ahead, and one more under way"
    assert seen == 200


@pytest.mark.parametrize("record", [{"review_id": "x" * 300}, {"text": " " * 300}, {"text": "a\n" * 4}])
def test_everything_that_a_row_holds_counts(tmp_path, monkeypatch, record):
    monkeypatch.setattr(batches, "BATCH_SIZE", 500)
    rows = list(read_rows(lines(tmp_path / "in.jsonl", *[{"text": "He dies"} | record] * 9)))
    assert [len(batch) for batch in batches.batches(rows)] == [2, 2, 2, 2, 1]


@pytest.mark.parametrize("same", [True, False])
def test_few_large_rows_of_parquet_are_in_memory_at_once(tmp_path, same):
    """Read 100 MB of values from a small file."""
    values = [" " * 500_000 + str(0 if same else i) for i in range(200)]
    table = pa.table({"text": ["He dies"] * 200, "review_id": values})
    pq.write_table(table, tmp_path / "in.parquet", compression="zstd", write_batch_size=1)
    del table, values
    before = pa.total_allocated_bytes()
    for row in read_rows(tmp_path / "in.parquet"):
        assert row.problem is None
        assert pa.total_allocated_bytes() - before < 60e6


def test_a_value_outside_its_dictionary_is_damage():
    """Refuse what a flipped bit can do to a Parquet file."""

    def text(*indices: int | None) -> pa.Array:
        places = pa.array(indices, pa.int32())
        return pa.DictionaryArray.from_arrays(places, pa.array(["He dies.", "A start."]), safe=False)

    assert reading.values_of(text(1, None, 0)) == ["A start.", None, "He dies."]
    assert reading.values_of(text(None)) == [None]
    for damaged in (text(0, 2), text(-1, 0)):
        with pytest.raises(pa.ArrowInvalid, match="not in the dictionary"):
            reading.values_of(damaged)
