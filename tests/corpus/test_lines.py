"""Lines come out whole, or the file's damage is named in one line."""

import gzip
import random
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from isal import igzip

from spoilers.core.errors import UserError
from spoilers.corpus import lines
from spoilers.corpus.lines import read_lines

TEXT = b"first\r\n\nthird line\nlast without end"
LINES = [(1, b"first"), (2, b""), (3, b"third line"), (4, b"last without end")]
DRAW = random.Random(5)
NOISE = b"".join(b"%032x\n" % DRAW.getrandbits(128) for _ in range(20_000))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "reviews.json.gz"


@pytest.mark.parametrize(
    "content",
    [TEXT, gzip.compress(TEXT, mtime=0), gzip.compress(TEXT[:9], mtime=0) + gzip.compress(TEXT[9:], mtime=0)],
)
def test_plain_and_compressed(path, content):
    path.write_bytes(content)
    assert list(read_lines(path, 100)) == LINES


@pytest.mark.parametrize("size", [1, 2, 3, 4, 1000])
def test_a_byte_order_mark_is_no_part_of_a_line(path, monkeypatch, size):
    monkeypatch.setattr(lines, "BLOCK", size)
    path.write_bytes(b"\xef\xbb\xbfabcde\r\n\xef\xbb\xbfx")
    assert list(read_lines(path, 5)) == [(1, b"abcde"), (2, b"\xef\xbb\xbfx")]


@given(
    st.lists(st.binary(max_size=12).map(lambda line: line.replace(b"\n", b"")), max_size=8), st.integers(1, 9)
)
def test_blocks_and_limits(tmp_path_factory, texts, size):
    path = tmp_path_factory.mktemp("lines") / "file"
    path.write_bytes(b"x" + b"".join(text + b"\n" for text in texts))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "BLOCK", size)
        found = [line for _, line in read_lines(path, 5)]
    whole = b"".join(text + b"\n" for text in [b"x" + texts[0], *texts[1:]]) if texts else b"x\n"
    assert found == [line.removesuffix(b"\r")[:6] for line in whole.split(b"\n")[:-1]]


def test_long_line_takes_no_memory(path):
    with igzip.open(path, "wb", compresslevel=1) as file:
        file.write(b"before\n")
        for _ in range(100):
            file.write(b"x" * 1_000_000)
        file.write(b"\nafter\n")
    tracemalloc.start()
    try:
        found = [(number, len(line)) for number, line in read_lines(path, 1000)]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found == [(1, 6), (2, 1001), (3, 5)]
    assert peak < 20_000_000


def damaged():
    packed = gzip.compress(NOISE, mtime=0)
    yield "cut", packed[: len(packed) // 2]
    yield "cut in the header", packed[:5]
    yield "cut in the trailer", packed[:-3]
    yield (
        "flipped",
        packed[:100_000] + bytes(byte ^ 255 for byte in packed[100_000:100_040]) + packed[100_040:],
    )
    yield "wrong sum", packed[:-6] + bytes([packed[-6] ^ 1]) + packed[-5:]
    yield "bytes after the end", packed + b"and then some"


@pytest.mark.parametrize("seed", range(20))
def test_random_damage(path, seed):
    draw = random.Random(seed)
    packed = bytearray(gzip.compress(NOISE, mtime=0))
    for at in draw.sample(range(10, len(packed)), 3):
        packed[at] ^= draw.randint(1, 255)
    path.write_bytes(packed)
    with pytest.raises(UserError, match="the gzip data is damaged"):
        list(read_lines(path, 100))


@pytest.mark.parametrize("content", [pytest.param(content, id=name) for name, content in damaged()])
def test_damage(path, content):
    path.write_bytes(content)
    with pytest.raises(
        UserError, match=r"reviews\.json\.gz: the gzip data is damaged after line \d+ .*again"
    ):
        list(read_lines(path, 100))


def test_no_file(tmp_path):
    with pytest.raises(UserError, match="Is a directory"):
        list(read_lines(tmp_path, 100))
    with pytest.raises(UserError, match="No such file"):
        list(read_lines(tmp_path / "missing", 100))


def test_empty(path):
    for content in (b"", gzip.compress(b"", mtime=0)):
        path.write_bytes(content)
        assert list(read_lines(path, 100)) == []
