"""Give every reader damaged input: it must report one clear line or return the original values.

The suite tries a few dozen inputs per reader; `make fuzz MINUTES=20` tries others for that long. An
input is made from the reader's name and a number, so failures are reproducible.
"""

import csv
import io
import json
import math
import os
import random
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
import yaml

from spoilers.core import params
from spoilers.core.errors import UserError
from spoilers.corpus import fetch
from spoilers.corpus.layouts import TAG, Rejected, parse
from spoilers.models import folder as model_folder
from spoilers.models import vectors
from spoilers.prediction.detector import SpoilerDetector
from spoilers.prediction.reading import Row, read_rows
from spoilers.text.vocabulary import SPECIAL, Vocabulary
from spoilers.training.checkpoints import Checkpoint
from tests import ROOT
from tests.corpus.test_fetch import pack
from tests.corpus.test_layouts import MARKED, RAW
from tests.prediction_data import write_model

ROUNDS = 60  # inputs per reader in the suite
SECONDS = 60 * float(os.environ.get("FUZZ_MINUTES", 0))

TOKENS = [
    *(
        b"\0",
        b"\xff",
        b"\xef\xbb\xbf",
        b"\xed\xa0\x80",
        b"\x1b[31m",
        b"\r",
        b"\n",
        b"\n\n",
        b"\t",
        b" ",
        b"'",
        b'"',
    ),
    *(
        b"[",
        b"]",
        b"{",
        b"}",
        b",",
        b":",
        b"\\",
        b"\\ud800",
        b"\\u0000",
        b"&nbsp;",
        b"<",
        b"(view  spoiler)[",
    ),
    *(
        b"null",
        b"true",
        b"false",
        b"NaN",
        b"Infinity",
        b"-1",
        b"0",
        b"1",
        b"1.0",
        b"1e39",
        b"1e400",
        b"9" * 400,
    ),
    *(
        b"[" * 3000,
        b"x" * 70_000,
        b"../../etc/passwd",
        b"/dev/zero",
        b"*a",
        b"&a",
        b"!!python/object:os.system",
    ),
]


def mutate(draw: random.Random, data: bytes) -> bytes:
    """Change, lose, repeat, insert or move a few bytes; now and then keep them all."""
    changed = bytearray(data)
    for _ in range(draw.choice([0, 1, 1, 1, 2, 5])):
        at = draw.randrange(len(changed) + 1)
        until = at + draw.choice([1, 1, 4, 20, 300])
        match draw.randrange(6):
            case 0 if at < len(changed):
                changed[at] ^= 1 << draw.randrange(8)
            case 1:
                del changed[at:until]
            case 2:
                changed[at:at] = changed[at:until]
            case 3:
                changed[at:at] = draw.choice(TOKENS)
            case 4:
                changed[at:until] = draw.choice(TOKENS)
            case 5:
                del changed[at:]
    return bytes(changed)


def rounds(name: str, readers: int) -> Iterator[random.Random]:
    """Yield a generator per input, for `ROUNDS` inputs or this reader's share of the minutes."""
    end, number = time.monotonic() + SECONDS / readers, 0
    while number < ROUNDS or time.monotonic() < end:
        yield random.Random(f"{name} {number}")
        number += 1


# The readers. Each takes a generator and an empty folder, and checks what it gets from a damaged input.


def records(draw: random.Random, folder: Path) -> None:
    record = draw.choice([MARKED, RAW])
    try:
        review = parse(mutate(draw, json.dumps(record).encode()).replace(b"\n", b" "))
    except Rejected as why:
        assert str(why).isidentifier()
        return
    assert all(isinstance(value, str) and value for value in review[:3])
    assert review.rating in range(6) and review.label == (1 in review.flags)
    assert len(review.flags) == len(review.sentences)
    assert record is MARKED or not any(map(TAG.search, review.sentences))


ROWS = [
    {"review_id": f"r{i}", "text": f'He, or "she", dies {i}.\nSo.', "label": i % 2 == 0} for i in range(5)
]


def json_rows(draw: random.Random, folder: Path) -> None:
    data = mutate(draw, b"".join(json.dumps(row).encode() + b"\n" for row in ROWS))
    lines = [line for line in data.removeprefix(b"\xef\xbb\xbf").split(b"\n") if line.strip()]
    rows = read(folder / "in.jsonl", data)
    assert rows is None or len(rows) == len(lines)


def csv_rows(draw: random.Random, folder: Path) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, ROWS[0])
    writer.writeheader()
    writer.writerows(ROWS)
    read(folder / "in.csv", mutate(draw, text.getvalue().encode()))


def parquet_rows(draw: random.Random, folder: Path) -> None:
    table = pa.Table.from_pylist([row | {"book_id": i, "user_id": None} for i, row in enumerate(ROWS)])
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer, compression=draw.choice(["none", "zstd"]), write_page_checksum=True)
    read(folder / "in.parquet", mutate(draw, buffer.getvalue().to_pybytes()))


def read(path: Path, data: bytes) -> list[Row] | None:
    """Return the rows, which must be scorable or say why not; None if the file is refused."""
    path.write_bytes(data)
    try:
        rows = list(read_rows(path))
    except UserError:
        return None
    for row in rows:
        row.text.encode()
        assert bool(row.problem) <= (row.text == "" and not row.sentences)
        assert all(value is None or isinstance(value, str) for value in row.ids)
        assert row.label in (None, True, False)
    return rows


def word_vectors(draw: random.Random, folder: Path) -> None:
    numbers = np.random.default_rng(1).normal(size=(4, 3))
    words = ["the", "butler", "dies", "."]
    lines = [f"{word} {' '.join(map(str, values))}\n" for word, values in zip(words, numbers, strict=True)]
    (folder / "v.txt").write_bytes(mutate(draw, "".join(lines).encode()))
    try:
        found = vectors.read(folder / "v.txt", Vocabulary([*SPECIAL, *words]), 3)
    except UserError:
        return
    assert found.values.dtype == np.float32 and found.values.shape == (len(found.ids), 3)
    assert np.isfinite(found.values).all() and math.isfinite(found.values.std()) and found.values.std() > 0


def model_folders(draw: random.Random, folder: Path) -> None:
    """Check that a folder that loads predicts as before, unless a valid manifest says otherwise."""
    kind = draw.choice(["lstm", "gru", "baseline"])
    original = SAVED.setdefault(kind, write_model(folder / "original", kind))
    if original.parent == folder:
        SAVED[kind] = Path(shutil.copytree(original, folder.parent / f"original-{kind}"))
    copy = Path(shutil.copytree(SAVED[kind], folder / "copy"))
    name = draw.choice([*model_folder.FILES, model_folder.MANIFEST])
    (copy / name).write_bytes(mutate(draw, (copy / name).read_bytes()))
    try:
        detector = SpoilerDetector.load(copy)
    except UserError:
        return
    if name == model_folder.MANIFEST:
        assert detector.model.manifest.model_dump() == json.loads((copy / name).read_text())
    else:
        texts = ["He dies.", "A slow start."]
        assert detector.predict(texts) == SpoilerDetector.load(SAVED[kind]).predict(texts)


SAVED: dict[str, Path] = {}


def settings(draw: random.Random, folder: Path) -> None:
    data = mutate(draw, (ROOT / "params.yaml").read_bytes())
    (folder / "params.yaml").write_bytes(data)
    try:
        loaded = params.load(folder / "params.yaml")
    except UserError:
        return
    assert loaded.model_dump() == yaml.load(data, params.Loader)


def checkpoints(draw: random.Random, folder: Path) -> None:
    os.chdir(folder)
    state = {"weight": torch.arange(5.0), "progress": {"step": 3}}
    checkpoint = Checkpoint("some", 60.0)
    checkpoint.save(state)
    checkpoint.path.write_bytes(mutate(draw, checkpoint.path.read_bytes()))
    loaded = checkpoint.load()
    assert loaded is None or (
        loaded["progress"] == state["progress"] and torch.equal(loaded["weight"], state["weight"])
    )


BODY = pack(1, lines=300)
FACTS = (
    f'ETag: "a"\r\nContent-Length: {len(BODY)}\r\nContent-Type: application/gzip\r\nConnection: close\r\n\r\n'
)


def http_replies(draw: random.Random, folder: Path) -> None:
    """Damage the headers or the body; expect the original file or nothing."""
    os.chdir(folder)
    head = mutate(draw, b"HTTP/1.1 200 OK\r\n" + FACTS.encode()) if draw.random() < 0.7 else None
    reply = head + BODY if head else b"HTTP/1.1 200 OK\r\n" + FACTS.encode() + mutate(draw, BODY)
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer, args=(server, reply), daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/reviews.json.gz"
        try:
            fetch.fetch([url], "reviews.json.gz", pauses=(0.0,), timeout=5.0)
            assert Path("reviews.json.gz").read_bytes() == BODY
        except UserError:
            assert not Path("reviews.json.gz").exists()
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def answer(server: socket.socket, reply: bytes) -> None:
    """Give every client the same reply, and hang up."""
    while True:
        try:
            client, _ = server.accept()
        except OSError:
            return
        with client:
            client.recv(65536)
            try:
                client.sendall(reply)
            except ConnectionError:
                continue


READERS: list[Callable[[random.Random, Path], None]] = [
    records, json_rows, csv_rows, parquet_rows, word_vectors, model_folders, settings, checkpoints,
    http_replies,
]  # fmt: skip


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
def test_damaged_input(reader, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(fetch.time, "sleep", lambda seconds: None)
    tried = 0
    for number, draw in enumerate(rounds(reader.__name__, len(READERS))):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        try:
            reader(draw, folder)
        except Exception as error:
            raise AssertionError(f"{reader.__name__}, input {number}: {error!r}") from error
        os.chdir(tmp_path)
        shutil.rmtree(folder)
        capsys.readouterr()
        tried += 1
    with capsys.disabled():
        if SECONDS:
            print(f"{reader.__name__}: {tried:,} inputs")
    assert tried >= ROUNDS
