"""Every failing download ends in the right file or in one clear line."""

import errno
import gzip
import hashlib
import io
import json
import os
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from functools import partial as bind
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
import yaml

from spoilers.core.errors import UserError
from spoilers.corpus import fetch
from stages import download
from tests import ROOT
from tests.pipeline.stubs import change_params


def pack(seed: int, lines: int = 4000) -> bytes:
    """Make a gzip file, stored uncompressed so that its size does not depend on the seed."""
    draw = random.Random(seed)
    text = b"".join(b'{"review_id": "%032x"}\n' % draw.getrandbits(128) for _ in range(lines))
    return gzip.compress(text, 0, mtime=0)


OLD, NEW = pack(1), pack(2)
CUTS = [random.Random(seed).randrange(len(NEW)) for seed in range(20)]


class Server(ThreadingHTTPServer):
    """Answers from a script of functions, one per request; the last one serves the rest."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script = []
        self.asked = []  # the headers of each request
        self.gate = threading.Event()  # what a hanging answer waits for
        self.url = f"http://127.0.0.1:{self.server_port}/reviews.json.gz"

    @property
    def ranges(self) -> list[str | None]:
        return [headers.get("Range") for headers in self.asked]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.asked.append(dict(self.headers))
        script = self.server.script
        (script.pop(0) if len(script) > 1 else script[0])(self)
        self.close_connection = True

    def answer(self, status: int, body: bytes = b"", **headers: object) -> None:
        self.send_response(status)
        for name, value in ({"Content_Length": len(body), "Connection": "close"} | headers).items():
            if value is not None:
                self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *arguments: object) -> None:
        pass


def serve(
    handler: Handler,
    body: bytes = NEW,
    *,
    etag: str | None = '"new"',
    modified: str | None = None,
    obey_if_range: bool = True,
    cut: int | None = None,
) -> None:
    """Serve with ranges; `cut` is the offset in the file at which the connection ends."""
    asked = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
    same = handler.headers.get("If-Range") in (etag, modified) or not obey_if_range
    start = int(asked[1]) if asked and same else 0
    facts = {"ETag": etag, "Last_Modified": modified, "Content_Type": "application/gzip"}
    if start >= len(body):
        handler.answer(416, Content_Range=f"bytes */{len(body)}")
        return
    if start:
        facts["Content_Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
    handler.answer(206 if start else 200, body[start:cut], Content_Length=len(body) - start, **facts)


def serve_whole(handler: Handler, body: bytes = NEW, **headers: object) -> None:
    """Serve without ranges."""
    handler.answer(200, body, **headers)


def serve_chunked(handler: Handler, body: bytes = NEW, end: bytes = b"0\r\n\r\n") -> None:
    chunks = [body[i : i + 5000] for i in range(0, len(body), 5000)]
    framed = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    handler.answer(200, framed + end, Content_Length=None, Transfer_Encoding="chunked", ETag='"new"')


def hang(handler: Handler, cut: int | None = None) -> None:
    if cut is not None:
        serve(handler, cut=cut)
    handler.server.gate.wait()


def reset(handler: Handler) -> None:
    serve(handler, cut=1000)
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def refuse(handler: Handler, status: int, **headers: object) -> None:
    handler.answer(status, b"<html>no</html>", **headers)


def redirect(handler: Handler, to: str) -> None:
    handler.answer(302, Location=to)


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.005,))
        thread.start()
        yield server
        server.gate.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


TARGET = Path("raw/reviews.json.gz")


def get(*urls: str, **options: object) -> dict:
    return fetch.fetch(urls, TARGET, **{"pauses": (0.0,) * 4, "timeout": 20.0} | options)


def assert_arrived(body: bytes = NEW) -> None:
    """Assert that the right file is there alone, and no other transfer was kept."""
    assert TARGET.read_bytes() == body
    assert os.listdir(TARGET.parent) == [TARGET.name]
    assert [path.read_bytes() for path in fetch.CACHE.glob("*.gz")] in ([], [body])
    assert len(list(fetch.CACHE.glob("*"))) in (0, 2)  # a transfer comes with its notes


def assert_refused(act, *words: str, kept: int = 0) -> None:
    """Assert one line with the words, no file, and `kept` bytes to resume."""
    with pytest.raises(UserError) as caught:
        act()
    message = str(caught.value)
    assert "\n" not in message
    assert all(word in message for word in words), message
    assert not TARGET.parent.exists() or not os.listdir(TARGET.parent)
    assert sum(partial_sizes()) == kept


def partial_sizes() -> list[int]:
    return [path.stat().st_size for path in fetch.CACHE.glob("*.gz")]


@pytest.fixture
def down(server):
    """Yield the URL of a dead server: its port is taken, but nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/reviews.json.gz"


# Transfers that succeed


def test_describes_what_came(server, folder):
    server.script = [serve]
    sum_ = hashlib.sha256(NEW).hexdigest()
    assert get(server.url, expected=sum_.upper()) == {"url": server.url, "bytes": len(NEW), "sha256": sum_}
    assert_arrived()


@pytest.mark.parametrize("cut", CUTS)
def test_goes_on_after_a_cut(server, folder, cut):
    server.script = [bind(serve, cut=cut), serve]
    get(server.url)
    assert_arrived()
    assert server.ranges == [None, f"bytes={cut}-" if cut > 1 else None]
    assert server.asked[1].get("If-Range") == ('"new"' if cut > 1 else None)


def test_goes_on_after_any_number_of_cuts_that_bring_something(server, folder):
    server.script = [bind(serve, cut=cut) for cut in sorted(CUTS)] + [serve]
    get(server.url)
    assert_arrived()


def test_goes_on_in_a_later_run(server, folder):
    server.script = [bind(serve, cut=9000), bind(refuse, status=503)]
    assert_refused(lambda: get(server.url), "503", kept=9000)
    server.script = [serve]
    get(server.url)
    assert_arrived()
    assert server.ranges[-1] == "bytes=9000-"


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_goes_on_by_date_without_a_strong_etag(server, folder, etag):
    date = "Sat, 01 Jun 2019 10:00:00 GMT"
    server.script = [bind(serve, etag=etag, modified=date, cut=9000), bind(serve, etag=etag, modified=date)]
    get(server.url)
    assert_arrived()
    assert server.asked[1]["If-Range"] == date


def test_starts_over_without_a_validator(server, folder):
    server.script = [bind(serve, etag=None, cut=9000), bind(serve, etag=None)]
    get(server.url)
    assert_arrived()
    assert server.ranges == [None, None]


def test_starts_over_without_ranges(server, folder):
    server.script = [bind(serve, cut=9000), serve_whole]
    get(server.url)
    assert_arrived()


def test_starts_over_without_notes(server, folder):
    server.script = [bind(serve, cut=9000), bind(refuse, status=503)]
    assert_refused(lambda: get(server.url), kept=9000)
    for notes in fetch.CACHE.glob("*.json"):
        notes.write_text('{"validator": "\\"new')
    server.script = [serve]
    get(server.url)
    assert_arrived()
    assert server.ranges[-1] is None


@pytest.mark.parametrize("obey", [True, False])
def test_never_mixes_two_files(server, folder, obey):
    server.script = [
        bind(serve, body=OLD, etag='"old"', cut=9000),
        bind(serve, obey_if_range=obey),
        serve,
    ]
    get(server.url)
    assert_arrived()


def test_never_mixes_two_files_of_other_sizes(server, folder):
    other = pack(3, lines=3000)
    server.script = [bind(serve, cut=9000), bind(serve, body=other, etag='"new"'), bind(serve, body=other)]
    get(server.url)
    assert_arrived(other)


@pytest.mark.parametrize("content_range", [None, f"bytes 1-1000/{len(NEW)}", "bytes 9000-9999/*", "nonsense"])
def test_distrusts_a_range_that_was_not_asked_for(server, folder, content_range):
    wrong = bind(Handler.answer, status=206, body=NEW[:1000], Content_Range=content_range)
    server.script = [bind(serve, cut=9000), wrong, serve]
    get(server.url)
    assert_arrived()


def test_distrusts_a_range_when_none_was_asked_for(server, folder):
    wrong = bind(Handler.answer, status=206, body=OLD, Content_Range=f"bytes 0-{len(OLD) - 1}/{len(OLD)}")
    server.script = [wrong, serve]
    get(server.url)
    assert_arrived()


def test_a_range_shorter_than_the_rest(server, folder):
    piece = bind(
        Handler.answer,
        status=206,
        body=NEW[9000:10000],
        ETag='"new"',
        Content_Range=f"bytes 9000-9999/{len(NEW)}",
    )
    server.script = [bind(serve, cut=9000), piece, serve]
    get(server.url)
    assert_arrived()
    assert server.ranges[-1] == "bytes=10000-"


def test_a_range_longer_than_the_rest(server, folder):
    rest = f"bytes 9000-{len(NEW) - 1}/{len(NEW)}"
    longer = bind(Handler.answer, status=206, body=NEW[9000:] + b"more", ETag='"new"', Content_Range=rest)
    server.script = [bind(serve, cut=9000), longer, serve]
    get(server.url)
    assert_arrived()


def test_gives_up_on_ranges_that_bring_nothing(server, folder):
    nothing = bind(Handler.answer, status=206, Content_Range=f"bytes 9000-9000/{len(NEW)}")
    server.script = [bind(serve, cut=9000), nothing]
    assert_refused(lambda: get(server.url), "another length", kept=9000)


def test_a_file_that_shrank_is_fetched_anew(server, folder):
    shorter = pack(3, lines=100)
    changed = bind(serve, body=shorter, obey_if_range=False)
    server.script = [bind(serve, cut=9000), changed, changed]
    get(server.url)
    assert_arrived(shorter)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
def test_tries_again_after_an_error_of_the_moment(server, folder, status):
    server.script = [bind(refuse, status=status, Retry_After="0"), serve]
    get(server.url)
    assert_arrived()


def test_waits_as_long_as_the_server_asks_within_reason(server, folder, monkeypatch):
    pauses = []
    monkeypatch.setattr(fetch.time, "sleep", pauses.append)
    asked = ["7", "86400", "Wed, 21 Oct 2037 07:28:00 GMT"]
    server.script = [bind(refuse, status=503, Retry_After=seconds) for seconds in asked] + [serve]
    get(server.url, pauses=(1.0, 2.0, 4.0, 8.0))
    assert pauses == [7, 60, 4]


@pytest.mark.parametrize("cut", [None, 0, 9000])
def test_leaves_a_server_that_hangs(server, folder, cut):
    server.script = [bind(hang, cut=cut), serve]
    get(server.url, timeout=0.2)
    assert_arrived()


def test_goes_on_after_a_reset(server, folder):
    server.script = [reset, serve]
    get(server.url)
    assert_arrived()


def test_an_announced_length_too_long_is_mended_by_a_range(server, folder):
    server.script = [bind(serve_whole, ETag='"new"', Content_Length=len(NEW) + 10), serve]
    get(server.url)
    assert_arrived()
    assert server.ranges == [None, f"bytes={len(NEW)}-"]


def test_chunks_without_a_length(server, folder):
    server.script = [bind(serve_chunked, body=NEW[:9000], end=b"ffff\r\n"), serve_chunked]
    get(server.url)
    assert_arrived()


def test_a_body_that_ends_with_the_connection(server, folder):
    server.script = [bind(serve_whole, Content_Length=None)]
    get(server.url)
    assert_arrived()


def test_the_body_is_not_decoded(server, folder):
    """Accept the file labelled as encoded; refuse it when encoded once more."""
    server.script = [bind(serve_whole, Content_Encoding="gzip")]
    get(server.url)
    assert_arrived()
    assert server.asked[0]["Accept-Encoding"] == "identity"
    server.script = [bind(serve_whole, body=b"\x28\xb5\x2f\xfd" + NEW, Content_Encoding="zstd")]
    with pytest.raises(UserError, match=r"no gzip file .the server encodes it as 'zstd'"):
        get(server.url + "?2")


def test_several_gzip_members(server, folder):
    server.script = [bind(serve, body=OLD + NEW)]
    get(server.url)
    assert_arrived(OLD + NEW)


def test_follows_redirects(server, folder):
    server.script = [bind(redirect, to="/elsewhere"), bind(redirect, to=server.url), serve]
    get(server.url)
    assert_arrived()


def test_a_mirror_steps_in(server, folder, down):
    server.script = [serve]
    assert get(down, server.url)["url"] == server.url
    assert_arrived()


def test_a_mirror_steps_in_for_a_damaged_file(server, folder):
    sum_ = hashlib.sha256(NEW).hexdigest()
    server.script = [bind(serve, body=OLD), bind(serve, body=NEW[:-9]), serve]
    get(server.url, server.url + "?2", server.url + "?3", expected=sum_)
    assert_arrived()


def test_what_had_arrived_before_a_kill_is_not_asked_for_again(server, folder):
    transfer = fetch.Partial(server.url, fetch.CACHE)
    transfer.start('"new"', len(NEW), server.url)
    transfer.path.write_bytes(NEW)
    get(server.url)
    assert_arrived()
    assert not server.asked


def test_a_verified_download_is_never_fetched_twice(server, folder, capsys):
    """Ignore changes of the output, the server and the expected sum."""
    server.script = [serve, bind(refuse, status=404)]
    facts = get(server.url)
    for expected in (None, facts["sha256"]):
        TARGET.unlink()
        assert get(server.url, expected=expected) == facts
        assert_arrived()
    TARGET.unlink()
    assert_refused(lambda: get(server.url, expected="0" * 64), "download.sha256", kept=len(NEW))
    assert get(server.url) == facts
    assert len(server.asked) == 1
    assert "is here already" in capsys.readouterr().err


def test_what_a_mirror_gave_is_not_asked_of_the_first_server(server, folder):
    server.script = [bind(refuse, status=404), serve]
    get(server.url, server.url + "?2")
    TARGET.unlink()
    assert get(server.url, server.url + "?2")["url"] == server.url + "?2"
    assert len(server.asked) == 2


def test_a_kept_download_that_has_changed_is_fetched_anew(server, folder):
    server.script = [serve]
    get(server.url)
    [kept] = fetch.CACHE.glob("*.gz")
    kept.write_bytes(OLD)
    get(server.url)
    assert_arrived()
    assert len(server.asked) == 2


def test_replaces_an_earlier_file(server, folder):
    TARGET.parent.mkdir()
    TARGET.write_bytes(OLD)
    server.script = [bind(refuse, status=404)]
    with pytest.raises(UserError):
        get(server.url)
    assert TARGET.read_bytes() == OLD
    server.script = [serve]
    get(server.url)
    assert_arrived()


# Transfers that must fail


def test_gives_up_after_five_tries_without_progress(server, folder):
    server.script = [bind(refuse, status=500)]
    assert_refused(lambda: get(server.url), server.url, "500", "try after try", "download.source")
    assert len(server.asked) == 5


def test_gives_up_on_a_server_that_always_stops_at_one_place(server, folder):
    server.script = [bind(serve_whole, body=NEW[:9000], Content_Length=len(NEW))]
    assert_refused(lambda: get(server.url), server.url, "ended early", kept=9000)
    assert len(server.asked) == 5


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 304])
def test_an_answer_that_will_not_change(server, folder, status):
    server.script = [bind(refuse, status=status)]
    assert_refused(lambda: get(server.url), server.url, str(status), "curl", "download.source")
    assert len(server.asked) == 1


NO_REVIEWS = {  # inside a gzip file
    "gzip of nothing": (b"", "empty"),
    "gzip of the file": (NEW, "is gzip inside gzip"),
    "gzip of a page": (b" \n<!DOCTYPE html>", "is a web page"),
    "gzip of an error": (b'{"error": "quota exceeded"}\n', "which is no review"),
    "gzip of words": (b"quota exceeded\n", "which is no review"),
    "gzip of an array": (b'\xef\xbb\xbf[{"review_id": "1"}]', "is one JSON array"),
}


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (b"<!DOCTYPE html>", "text/html; charset=utf-8", "web page"),
        (b"<html>", "application/octet-stream", "web page"),
        (NEW, "text/html", "web page"),
        (b'{"review_id": 1}\n', "application/json", "no gzip file"),
        (b"\x1f", "application/gzip", "no gzip file"),
        (b"", "application/gzip", "empty"),
        *((gzip.compress(body, mtime=0), "application/gzip", words) for body, words in NO_REVIEWS.values()),
    ],
    ids=["page", "unnamed page", "page by its type", "plain", "one byte", "nothing", *NO_REVIEWS],
)
def test_something_else_in_place_of_the_file(server, folder, body, kind, words):
    server.script = [bind(serve_whole, body=body, Content_Type=kind)]
    assert_refused(lambda: get(server.url), server.url, words, "download.source")


def test_a_web_page_does_not_overwrite_what_has_arrived(server, folder):
    server.script = [bind(serve, cut=9000), bind(serve_whole, body=b"<html>", Content_Type="text/html")]
    assert_refused(lambda: get(server.url), "web page", kept=9000)


def damaged() -> bytes:
    middle = len(NEW) // 2
    return NEW[:middle] + bytes(byte ^ 0xFF for byte in NEW[middle : middle + 100]) + NEW[middle + 100 :]


DAMAGED = {
    "truncated": NEW[:-100],
    "without its last byte": NEW[:-1],
    "header only": NEW[:10],
    "second member truncated": OLD + NEW[:-100],
    "corrupt block": damaged(),
    "wrong check sum": NEW[:-8] + bytes([NEW[-8] ^ 1]) + NEW[-7:],
    "a byte after the end": NEW + b"x",
    "a page after the end": NEW + b"<html>" * 1000,
}


@pytest.mark.parametrize("body", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file(server, folder, body):
    server.script = [bind(serve, body=body)]
    assert_refused(lambda: get(server.url), server.url, "after its end", "download.source")
    Path("given.gz").write_bytes(body)
    assert_refused(lambda: fetch.copy("given.gz", TARGET), "given.gz", "after its end", "fetch it anew")


def test_an_announced_length_too_short(server, folder):
    server.script = [bind(serve_whole, Content_Length=len(NEW) - 10)]
    assert_refused(lambda: get(server.url), server.url, "cut short")


def test_an_announced_length_too_long(server, folder):
    server.script = [bind(serve_whole, Content_Length=len(NEW) + 10)]
    assert_refused(lambda: get(server.url), server.url, "try after try", kept=len(NEW))


def test_a_wrong_sum(server, folder):
    server.script = [serve]
    sums = "0" * 64, hashlib.sha256(NEW).hexdigest()
    wrong = bind(get, server.url, expected="0" * 64)
    assert_refused(wrong, server.url, *sums, "download.sha256", kept=len(NEW))


def test_a_redirect_loop(server, folder):
    server.script = [bind(redirect, to="/again")]
    assert_refused(lambda: get(server.url), server.url, "redirects")


@pytest.mark.parametrize("to", ["file:///etc/passwd", "ftp://127.0.0.1/reviews.json.gz"])
def test_a_redirect_to_another_scheme(server, folder, to):
    server.script = [bind(redirect, to=to)]
    assert_refused(lambda: get(server.url), server.url, "neither http nor https", to)


def test_a_redirect_from_https_to_http():
    session, response = fetch.Session(), requests.Response()
    response.status_code, response.url = 302, "https://host/reviews.json.gz"
    for to in ("/elsewhere", "https://other/file", "//other/file"):
        response.headers["Location"] = to
        assert session.get_redirect_target(response) == to
    response.headers["Location"] = "HTTP://host/reviews.json.gz"
    with pytest.raises(UserError, match=r"redirects from https to http .HTTP://host/reviews.json.gz"):
        session.get_redirect_target(response)


def test_the_last_url_is_kept(server, folder):
    last = server.url + "?last"
    server.script = [bind(redirect, to=last), serve]
    for _ in range(2):  # the second time, from what was kept
        facts = get(server.url)
        assert facts["url"] == server.url and facts["redirected_to"] == last


@pytest.mark.parametrize(
    "answer",
    [
        bind(redirect, to="http://["),
        bind(redirect, to="http://\u00ff" + "x" * 70),
        bind(serve_whole, Content_Length="9" * 5000),
        bind(serve_whole, Content_Length="-1"),
        bind(serve_whole, Retry_After="9" * 5000, ETag="e" * 5000),
        bind(serve, cut=0),
        bind(Handler.answer, status=200, body=b"-5\r\n", Content_Length=None, Transfer_Encoding="chunked"),
        bind(Handler.answer, status=200, body=b"zz\r\n", Content_Length=None, Transfer_Encoding="chunked"),
        bind(Handler.answer, status=503, Retry_After="9" * 5000),
        lambda handler: handler.wfile.write(b"nonsense\r\n" * 1000),
        lambda handler: handler.wfile.write(b"HTTP/1.1 999999 \x1b[31m\r\n\r\n"),
    ],
)
def test_an_answer_that_makes_no_sense(server, folder, monkeypatch, answer):
    """Expect one line, or the file if it arrived anyway."""
    monkeypatch.setattr(fetch.time, "sleep", lambda seconds: None)
    server.script = [answer]
    try:
        get(server.url)
    except UserError as error:
        assert server.url in str(error) and not TARGET.exists()
    else:
        assert_arrived()


def test_a_range_of_5000_digits(server, folder):
    wrong = bind(Handler.answer, status=206, body=NEW, Content_Range="bytes 9000-9/" + "9" * 5000)
    server.script = [bind(serve, cut=9000), wrong]
    assert_refused(lambda: get(server.url), server.url, "makes no sense", kept=9000)


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{}",
        "null",
        "[" * 100_000,
        '{"url": 1}',
        '{"validator": "a\\nb: c"}',
        '{"bytes": "9000"}',
        '{"bytes": -1}',
    ],
)
def test_damaged_notes(server, folder, text):
    server.script = [bind(serve, cut=9000), bind(refuse, status=503)]
    assert_refused(lambda: get(server.url), kept=9000)
    [notes] = fetch.CACHE.glob("*.json")
    changed = json.loads(notes.read_text()) | json.loads(text) if ":" in text else text
    notes.write_text(changed if isinstance(changed, str) else json.dumps(changed))
    server.script = [serve]
    get(server.url)
    assert_arrived()


def test_a_socks_proxy_is_named(server, folder, monkeypatch):
    monkeypatch.delenv("NO_PROXY")
    for name in ("ALL_PROXY", "HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "socks5://127.0.0.1:9")
    assert_refused(lambda: get("http://nowhere.invalid/x.gz"), "the proxy socks5://127.0.0.1:9")


def drip(handler: Handler) -> None:
    """Send single bytes without end."""
    handler.answer(200, NEW[:10], Content_Length=len(NEW), ETag='"new"')
    for at in range(10, len(NEW)):
        if handler.server.gate.wait(0.01):
            return
        handler.wfile.write(NEW[at : at + 1])


def drip_headers(handler: Handler) -> None:
    """Send single bytes of a head that never ends."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nETag: ")
    while not handler.server.gate.wait(0.01):
        handler.wfile.write(b"x")


@pytest.mark.parametrize("slowly", [drip, drip_headers])
def test_a_slow_server_is_given_up_for_the_next(server, folder, monkeypatch, slowly):
    monkeypatch.setattr(fetch, "MINUTE", 0.2)
    server.script = [slowly] * 5 + [serve]
    assert get(server.url, server.url + "?mirror")["url"] == server.url + "?mirror"
    assert_arrived()
    server.script = [slowly]
    with pytest.raises(UserError, match=r"(only .*B|no answer) came in 0\.2 seconds, try after try"):
        get(server.url + "?alone")


def test_a_long_download_is_heard_of_every_minute(server, folder, monkeypatch, capsys):
    monkeypatch.setattr(fetch, "MINUTE", 0.05)
    monkeypatch.setattr(fetch, "SLOWEST", 1)

    def slowly(handler: Handler) -> None:
        handler.answer(200, Content_Length=len(NEW), ETag='"new"')
        for at in range(0, len(NEW), 20_000):
            handler.wfile.write(NEW[at : at + 20_000])
            time.sleep(0.06)

    server.script = [slowly]
    get(server.url)
    assert_arrived()
    assert len(re.findall(r"kB of \d+kB are here", capsys.readouterr().err)) > 2


def test_what_servers_say_gives_no_orders_to_the_terminal(server, folder, capsys):
    def answer(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 404 \x1b[31mred\r\nContent-Length: 0\r\n\r\n")

    server.script = [answer]
    with pytest.raises(UserError):
        get(server.url)
    said = capsys.readouterr().err
    assert "\x1b" not in said and "\\x1b[31mred" in said


def test_a_refused_connection(folder, down):
    assert_refused(lambda: get(down), down, "Connection refused", "download.source")


def test_a_name_that_is_not_found(folder, monkeypatch):
    def getaddrinfo(*arguments: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    url = "http://nowhere.invalid/reviews.json.gz"
    assert_refused(lambda: get(url), url, "Name or service not known", "download.source")


def test_no_secure_connection(server, folder):
    url = server.url.replace("http:", "https:")
    server.script = [serve]
    assert_refused(lambda: get(url), url, "secure connection", "download.source")


def test_an_address_without_a_host(folder):
    assert_refused(lambda: get("http://"), "http://", "download.source")


class Full(io.BufferedWriter):
    """A file on a disk that has room for 9000 bytes."""

    def write(self, block: bytes) -> int:
        room = 9000 - self.tell()
        if len(block) <= room:
            return super().write(block)
        super().write(block[:room])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk(server, folder, monkeypatch):
    server.script = [serve]
    with monkeypatch.context() as patch:
        patch.setattr(fetch, "open", lambda *how: Full(io.FileIO(*how)), raising=False)
        assert_refused(lambda: get(server.url), "No space left", "run again", kept=9000)
    get(server.url)
    assert_arrived()
    assert server.ranges == [None, "bytes=9000-"]


# Paths


@pytest.mark.parametrize("body", [NEW, OLD + NEW], ids=["one member", "two members"])
def test_copies_a_gzip_file(folder, body):
    Path("given.json").write_bytes(body)  # the content decides, not the name
    sum_ = hashlib.sha256(body).hexdigest()
    facts = fetch.copy("given.json", TARGET, sum_)
    assert facts == {"path": "given.json", "bytes": len(body), "sha256": sum_}
    assert_arrived(body)


def test_packs_plain_json_lines_always_alike(folder):
    lines = gzip.decompress(NEW)
    Path("given.json").write_bytes(lines)
    sum_ = hashlib.sha256(lines).hexdigest()
    facts = fetch.copy("given.json", TARGET, sum_)
    assert facts == {"path": "given.json", "bytes": len(lines), "sha256": sum_}
    first = TARGET.read_bytes()
    assert gzip.decompress(first) == lines
    assert first[4:8] == bytes(4)  # no time stamp
    os.rename("given.json", "renamed.json")
    fetch.copy("renamed.json", TARGET)
    assert_arrived(first)


def test_a_path_in_the_home_folder(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder))
    Path("given.gz").write_bytes(NEW)
    assert fetch.copy("~/given.gz", TARGET)["path"] == "~/given.gz"
    assert_arrived()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"\n<!DOCTYPE html><html></html>", "web page"),
        (b"PK\x03\x04\0\0", "neither gzip nor JSON lines"),
        (NEW[:-1], "cut short"),
        *((gzip.compress(body, mtime=0), words) for body, words in NO_REVIEWS.values()),
        *(NO_REVIEWS[name] for name in ("gzip of an error", "gzip of words", "gzip of an array")),
    ],
)
def test_a_path_to_something_else(folder, content, words):
    Path("given").write_bytes(content)
    assert_refused(lambda: fetch.copy("given", TARGET), "given", words)


@pytest.mark.parametrize("body", [NEW, gzip.decompress(NEW)], ids=["gzip", "plain"])
def test_a_path_to_a_file_with_another_sum(folder, body):
    Path("given").write_bytes(body)
    act = bind(fetch.copy, "given", TARGET, "0" * 64)
    assert_refused(act, "given", "0" * 64, hashlib.sha256(body).hexdigest(), "download.sha256")


@pytest.mark.parametrize("source", ["nowhere.gz", "goodread", "nul\0.gz", "given/below.gz", "long" * 99])
def test_a_path_to_nothing(folder, source):
    Path("given").write_bytes(NEW)
    assert_refused(lambda: fetch.copy(source, TARGET), source, "download.source")


def test_a_path_to_a_folder_or_a_pipe(folder):
    os.mkfifo("pipe")
    for source in (".", "pipe"):
        assert_refused(lambda source=source: fetch.copy(source, TARGET), source, "is not a file")


def test_a_path_to_a_file_that_may_not_be_read(folder, monkeypatch):
    def refuse_to_open(*how: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    Path("given.gz").write_bytes(NEW)
    monkeypatch.setattr(fetch, "open", refuse_to_open, raising=False)
    assert_refused(lambda: fetch.copy("given.gz", TARGET), "given.gz", "Permission denied", "download.source")


def test_a_full_disk_while_a_path_is_copied(folder, monkeypatch):
    def fill(source: Path, target: Path) -> None:
        target.write_bytes(NEW[:9000])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    Path("given.gz").write_bytes(NEW)
    monkeypatch.setattr(fetch.shutil, "copyfile", fill)
    assert_refused(lambda: fetch.copy("given.gz", TARGET), str(TARGET), "No space left")


# The stage


def test_addresses():
    assert all(len(urls) == 2 for urls in map(fetch.addresses, fetch.NAMED))
    assert fetch.addresses("HTTPS://host/x.gz") == ["HTTPS://host/x.gz"]
    assert fetch.addresses("data/x.gz") == fetch.addresses("./goodreads") == []
    for source in ("ftp://host/x.gz", "file:///x.gz", "s3://bucket/x.gz"):
        with pytest.raises(UserError, match=r"only http and https.*download\.source"):
            fetch.addresses(source)


def configure(source: str, sum_: str | None = None) -> None:
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params["download"] = {
        "source": source,
        "sha256": sum_,
        "sample": {"reviews": 60, "spoiler_share": 0.25},
    }
    Path("params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")


def run_stage() -> tuple[bytes, dict]:
    download.main()
    assert sorted(os.listdir("data/raw")) == ["reviews.json.gz", "source.json"]
    return Path(download.REVIEWS).read_bytes(), json.loads(Path(download.SOURCE).read_text(encoding="utf-8"))


def describe(body: bytes) -> dict:
    return {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}


def test_stage_with_the_sample(folder):
    configure("sample")
    body, facts = run_stage()
    assert facts == {"source": "sample", **describe(body)}
    assert len(gzip.decompress(body).splitlines()) == 60
    assert run_stage() == (body, facts)
    configure("sample", "0" * 64)
    with pytest.raises(UserError, match="the sample: has SHA-256"):
        download.main()


def test_stage_with_a_path(folder):
    Path("given.gz").write_bytes(NEW)
    configure("given.gz", hashlib.sha256(NEW).hexdigest())
    assert run_stage() == (NEW, {"source": "given.gz", "path": "given.gz", **describe(NEW)})


def test_stage_with_a_url(server, folder):
    server.script = [serve]
    configure(server.url)
    assert run_stage() == (NEW, {"source": server.url, "url": server.url, **describe(NEW)})


def test_stage_with_a_named_source(server, folder, monkeypatch):
    server.script = [bind(refuse, status=404), serve]
    monkeypatch.setitem(fetch.NAMED, "goodreads", [server.url, server.url + "?mirror"])
    configure("goodreads")
    assert run_stage() == (NEW, {"source": "goodreads", "url": server.url + "?mirror", **describe(NEW)})


def start_stage() -> subprocess.Popen:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "stages.download"]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


def test_a_mistake_ends_the_command_in_one_line(server, folder):
    server.script = [bind(refuse, status=404)]
    configure(server.url)
    with start_stage() as process:
        lines = process.stderr.read().splitlines()
    assert process.returncode == 1
    assert [line for line in lines if "Traceback" in line] == []
    assert lines[-1].startswith(f"error: {server.url}: the server answers 404")
    assert not Path(download.REVIEWS).exists()


def test_a_killed_run_is_gone_on_with_by_the_next(server, folder):
    def dribble(handler: Handler) -> None:
        """Send half of the file in small pieces, then hang until the process ends."""
        handler.answer(200, Content_Length=len(NEW), ETag='"new"')
        for start in range(0, len(NEW) // 2, 1000):
            handler.wfile.write(NEW[start : start + 1000])
        handler.server.gate.wait()

    server.script = [dribble, serve]
    configure(server.url)
    process = start_stage()
    while process.poll() is None and not any(partial_sizes()):
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not Path(download.REVIEWS).exists()
    [kept] = partial_sizes()

    process = start_stage()
    assert "downloaded" in process.communicate()[1]
    assert process.returncode == 0
    assert server.ranges == [None, f"bytes={kept}-"]
    assert Path(download.REVIEWS).read_bytes() == NEW
    assert sorted(os.listdir("data/raw")) == ["reviews.json.gz", "source.json"]


@pytest.mark.parametrize("change", [{"seed": 14}, {"download.sample.reviews": 70}])
def test_the_stage_fetches_nothing_again(server, folder, change):
    """Reuse the download after DVC deleted it, with other settings and no server."""
    server.script = [serve, bind(refuse, status=404)]
    configure(server.url)
    first = run_stage()
    shutil.rmtree("data")
    change_params(Path("params.yaml"), change)
    assert run_stage() == first
    assert len(server.asked) == 1
