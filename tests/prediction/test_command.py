"""`spoilers predict`: what it prints, and how it ends when something is wrong."""

import io
import json
import os
import pty
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from spoilers.__main__ import call as spoilers
from spoilers.__main__ import main
from spoilers.core.errors import UserError
from spoilers.prediction import printing
from tests.prediction_data import finder, write_model
from tests.rnn_data import ROOT

TEXT = "I liked it.\nHe dies. A slow start."


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """Write a model and 400 reviews."""
    folder = tmp_path_factory.mktemp("project")
    write_model(folder / "data/models/baseline", "baseline")
    texts = [f"I liked it {i}. He dies." for i in range(400)]
    lines = [json.dumps({"text": text, "label": i % 3 == 0}) + "\n" for i, text in enumerate(texts)]
    (folder / "reviews.jsonl").write_text("".join(lines))
    (folder / "there.csv").touch()
    return folder


def call(*arguments: str, monkeypatch, capsys, folder: Path, model: str = "baseline") -> str:
    """Run the command in this process; return its output."""
    monkeypatch.chdir(folder)
    spoilers(["predict", "--model", model, *arguments])
    return capsys.readouterr().out


@pytest.fixture
def command(monkeypatch, capsys, project):
    return lambda *arguments: call(*arguments, monkeypatch=monkeypatch, capsys=capsys, folder=project)


def start(project: Path, *arguments: str, **options) -> subprocess.Popen:
    words = [sys.executable, "-m", "spoilers", "predict", "--model", "baseline", *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.Popen(words, cwd=project, env=environment, text=True, **pipes)


# The output.


def test_texts(command):
    assert command(TEXT, "A slow start.", "") == (
        "spoiler: 0.881 (a spoiler from 0.500)\n"
        "  0.119  I liked it.\n"
        "! 0.881  He dies.\n"
        "  0.119  A slow start.\n"
        "\n"
        "no spoiler: 0.119 (a spoiler from 0.500)\n"
        "  0.119  A slow start.\n"
        "\n"
        "no score: the text is empty\n"
    )


def test_redacted(command):
    assert command("--redact", TEXT) == "I liked it.\n██ █████ A slow start.\n"


def test_a_sentence_that_was_not_read():
    (found,) = finder().predict(["Yes. " * 60])
    lines = printing.show(found, 0.5, False).splitlines()
    assert len(lines) == 61
    assert "not all of 40 sentences (?)" in lines[0]
    assert lines[1] == "  0.100  Yes."
    assert lines[30] == "?     -  Yes."


def test_colour_is_for_terminals(monkeypatch):
    (found,) = finder().predict([TEXT])
    plain, coloured = (printing.show(found, 0.5, colour).splitlines() for colour in (False, True))
    assert coloured[2] == f"\033[31m{plain[2]}\033[0m"
    assert coloured[1] == plain[1]
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr(sys, "stdout", terminal)
        monkeypatch.delenv("NO_COLOR", raising=False)
        assert printing.wants_colour()
        monkeypatch.setenv("NO_COLOR", "1")
        assert not printing.wants_colour()
    os.close(ours)


def test_a_review_gives_no_orders_to_the_terminal(command):
    for options in ([], ["--redact"]):
        printed = command(*options, "I liked \x1b]0;it\x07.\x9b2J\nHe\x1b[2J dies.\u202e\u2066")
        assert r"I liked \x1b]0;it\x07.\x9b2J" in printed
        assert printed.replace("\n", "").isprintable()


def test_a_file_in_lines_for_people(command):
    printed = command("--input", "reviews.jsonl")
    assert printed.count("! 0.881  He dies.\n") == 400
    assert printed.endswith("\n\n400 reviews, 400 called spoilers\n")
    assert command("--input", "reviews.jsonl", "--redact").count("██ █████\n") == 400


def test_scores(command):
    printed = command("--input", "reviews.jsonl", "--score").splitlines()
    assert printed[:2] == [
        "400 reviews, 400 called spoilers",
        "400 reviews with a label, 134 of them spoilers",
    ]
    assert "recall                 1.0000" in printed


def test_rows_without_a_score_are_said(command, project):
    (project / "odd.jsonl").write_text('{"text": ""}\n{\n{"text": "He dies"}\n')
    printed = command("--input", "odd.jsonl")
    assert printed.startswith("no score: empty\n\nno score: invalid_json\n\nspoiler: 0.881")
    assert "3 reviews, 1 called spoilers; 2 without a score: empty 1, invalid_json 1\n" in printed


@pytest.mark.parametrize("model", ["baseline", "data/models/baseline", "{folder}/data/models/baseline"])
def test_models_by_name_and_by_folder(monkeypatch, capsys, project, model):
    model = model.format(folder=project)
    printed = call("He dies", monkeypatch=monkeypatch, capsys=capsys, folder=project, model=model)
    assert printed.startswith("spoiler: 0.881")


# Errors.


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "give either texts (or - for standard input) or --input FILE"),
        (["He dies", "--input", "reviews.jsonl"], "give either texts"),
        (["He dies", "--output", "a.csv"], "--output goes with --input"),
        (["He dies", "--strict"], "--strict goes with --input"),
        (["--input", "reviews.jsonl", "--output", "a.csv", "--redact"], "--redact prints the reviews"),
    ],
)
def test_arguments_that_do_not_go_together(command, capsys, arguments, says):
    with pytest.raises(SystemExit) as left:
        command(*arguments)
    assert left.value.code == 2
    assert says in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--input", "reviews.jsonl", "--output", "./reviews.jsonl"], "is the input itself"),
        (["--input", "reviews.jsonl", "--output", "a.txt"], "must end in .parquet"),
        (["--input", "none.jsonl", "--output", "a.csv"], "none.jsonl: No such file"),
        (["--input", "none.csv", "--output", "there.csv"], "none.csv: No such file"),
    ],
)
def test_mistakes_in_one_line(command, project, arguments, says):
    before = sorted(project.iterdir())
    with pytest.raises(UserError) as mistake:
        command(*arguments)
    assert says in str(mistake.value)
    assert sorted(project.iterdir()) == before


def test_a_model_that_is_not_there(monkeypatch, capsys, project):
    with pytest.raises(UserError, match="data/models/lstm: is not a model's folder; train with `dvc repro`"):
        call("He dies", monkeypatch=monkeypatch, capsys=capsys, folder=project, model="lstm")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("He dies.\n\nA slow start.\n", "spoiler: 0.881 (a spoiler from 0.500)\n! 0.881  He dies.\n"),
        ("he\0dies", r"0.881  he\x00dies"),
        ("\N{GRINNING FACE} " * 250_000, "no spoiler: 0.119"),
        ("x" * 2**24, "no spoiler: 0.119"),
    ],
    ids=lambda text: ascii(text[:9]),
)
def test_standard_input(command, monkeypatch, tmp_path, content, says):
    (tmp_path / "in").write_text(content)
    with open(tmp_path / "in") as file:
        monkeypatch.setattr(sys, "stdin", file)
        assert says in command("-")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"caf\xe9", "standard input: is not UTF-8 (unexpected end of data at byte 3)"),
        (b"x" * (2**24 + 1), "standard input: is longer than 16,777,216 bytes"),
    ],
)
def test_standard_input_that_cannot_be_read(command, monkeypatch, tmp_path, content, says):
    (tmp_path / "in").write_bytes(content)
    with open(tmp_path / "in") as file, pytest.raises(UserError) as mistake:
        monkeypatch.setattr(sys, "stdin", file)
        command("-")
    assert says in str(mistake.value)


def test_nothing_that_could_be_scored_is_a_mistake(command, monkeypatch, tmp_path, capsys):
    with pytest.raises(UserError, match="nothing could be scored"):
        command("", " ")
    assert capsys.readouterr().out.count("no score: the text is empty") == 2
    (tmp_path / "empty").touch()
    with open(tmp_path / "empty") as file, pytest.raises(UserError, match="nothing could be scored"):
        monkeypatch.setattr(sys, "stdin", file)
        command("-")
    (tmp_path / "in.jsonl").write_text('{"text": {"0": "He dies"}}\n')
    for more in ([], ["--score"], ["--output", str(tmp_path / "out.csv")]):
        with pytest.raises(UserError, match=r"in\.jsonl: none of its reviews could be scored"):
            command("--input", str(tmp_path / "in.jsonl"), *more)
        assert "1 reviews, 0 called spoilers; 1 without a score: wrong_text 1" in capsys.readouterr().out


def test_a_header_gives_no_orders_to_the_terminal(project, tmp_path):
    (tmp_path / "in.csv").write_text("a\x1b[2J\u202e" + "b" * 9000 + "\nHe dies\n")
    with start(project, "--input", str(tmp_path / "in.csv")) as process:
        said = process.stderr.read()
        assert process.wait(60) == 1
    assert r"its columns are a\x1b[2J\u202ebbb" in said
    assert said.endswith("\n") and said[:-1].isprintable()
    assert len(said) < 1100


def test_a_closed_pipe(project):
    with start(project, "--input", "reviews.jsonl") as process:
        assert process.stdout.readline() == "spoiler: 0.881 (a spoiler from 0.500)\n"
        process.stdout.close()
        assert process.wait(60) == 141
        assert process.stderr.read() == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_behind_standard_output(project):
    with open("/dev/full", "w") as full, start(project, "He dies", stdout=full) as process:
        assert process.wait(60) == 1
        assert process.stderr.read() == "error: standard output: No space left on device\n"


@pytest.mark.parametrize(
    ("closed", "text", "says"),
    [(">&-", "He dies", "standard output: is closed"), ("<&-", "-", "standard input: is closed")],
)
def test_a_closed_standard_stream(project, closed, text, says):
    words = f'"{sys.executable}" -m spoilers predict --model baseline {text} {closed}'
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, shell=True, cwd=project, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, f"error: {says}\n")


@contextmanager
def small_files() -> Iterator[None]:
    """Limit files to 700 bytes: for a program, this is the same as a full disk.

    Use it around the command alone: the tests' output may be a longer file.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (700, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("name", ["out.parquet", "out.csv", "out.jsonl.gz"])
def test_a_full_disk(command, tmp_path, name):
    with small_files(), pytest.raises(UserError, match=rf"{name}: could not be written: .*File too large"):
        command("--input", "reviews.jsonl", "--output", str(tmp_path / name))
    assert not list(tmp_path.iterdir())


def test_an_output_with_few_characters(project, monkeypatch):
    monkeypatch.chdir(project)
    output = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", output)
    spoilers(["predict", "--model", "baseline", "--redact", "He dies."])
    assert output.buffer.getvalue() == b"?? ?????\n"


def test_a_mistake_leaves_with_status_1(project, monkeypatch, capsys):
    monkeypatch.chdir(project)
    monkeypatch.setattr(sys, "argv", ["spoilers", "predict", "--model", "none", "He dies"])
    with pytest.raises(SystemExit) as left:
        main()
    assert str(left.value.code).startswith("error: data/models/none: is not a model's folder")
