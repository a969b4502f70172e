"""The local page: with plain requests, and in a browser."""

import socket
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from http.client import HTTPConnection, HTTPResponse
from urllib.parse import urlencode

import pytest

from spoilers.__main__ import call as spoilers
from spoilers.core.errors import UserError
from spoilers.prediction.detector import SpoilerDetector
from spoilers.prediction.page.server import LARGEST, Server
from tests import browser
from tests.prediction_data import finder

EVIL = "<script>document.title = 'owned'</script>"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(0) as server:
        server.detector = finder()
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(
    server: Server, method: str, path: str = "/", body: object = None, **headers: str
) -> tuple[HTTPResponse, str]:
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=60)
    try:
        connection.request(
            method, path, body, {key.replace("_", "-"): value for key, value in headers.items()}
        )
        response = connection.getresponse()
        return response, response.read().decode()
    finally:
        connection.close()


def paste(server: Server, text: str, **headers: str) -> tuple[HTTPResponse, str]:
    return ask(server, "POST", "/", urlencode({"text": text}), **headers)


class Elements(HTMLParser):
    """The names of all elements, and the addresses in them."""

    def __init__(self, page: str):
        super().__init__()
        self.names: list[str] = []
        self.addresses: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.names.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href", "action")]


def test_the_page_loads_nothing_from_elsewhere(server):
    response, page = ask(server, "GET")
    assert response.status == 200
    assert Elements(page).addresses == ["/page.css", "/page.js", "/"]
    for path, kind in (("/page.css", "text/css"), ("/page.js", "text/javascript")):
        response, content = ask(server, "GET", path)
        assert response.getheader("Content-Type") == f"{kind}; charset=utf-8"
        assert "http" not in content
    assert "default-src 'none'" in response.getheader("Content-Security-Policy")


def test_it_listens_on_this_machine_alone(server):
    assert server.server_address[0] == "127.0.0.1"
    with pytest.raises(
        UserError, match=rf"port {server.server_port} of 127.0.0.1: .* choose another by --port"
    ):
        Server(server.server_port)


def test_spoilers_are_blurred(server):
    response, page = paste(server, "I liked it.\n\nHe dies & <b>.")
    assert response.status == 200
    assert "Probability 0.900" in page
    assert "1 of 2 sentences is blurred" in page
    assert page.count('class="spoiler"') == 1
    assert '<span aria-hidden="true">He dies &amp; &lt;b&gt;.</span>' in page
    assert "I liked it.<sup>0.10</sup>\n\n<span" in page


@pytest.mark.parametrize("text", [EVIL, f"He dies. {EVIL}", f"\"'>{EVIL}", "</textarea></div>" + EVIL])
def test_text_is_escaped(server, text):
    response, page = paste(server, text)
    assert response.status == 200
    assert EVIL not in page
    assert Elements(page).names.count("script") == 1
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "Nothing to read"),
        ("\0\0", "Nothing to read"),
        ("\N{GRINNING FACE}", "No spoiler"),
        ("he\0dies", "Spoiler"),
    ],
)
def test_odd_texts(server, text, says):
    response, page = paste(server, text)
    assert (response.status, f">{says}</h2>" in page) == (200, True)


def test_a_large_text(server):
    response, page = paste(server, "He dies. " * (LARGEST // 10))
    assert response.status == 200
    assert page.count('class="spoiler"') > 5


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status", "says"),
    [
        ("GET", "/other", None, {}, 404, "no such page"),
        ("GET", "/../folder.py", None, {}, 404, "no such page"),
        ("GET", "/page.html.jinja", None, {}, 404, "no such page"),
        ("POST", "/page.js", "text=a", {}, 404, "no such page"),
        ("POST", "/", "x" * (LARGEST + 1), {}, 413, "takes 1,048,576 bytes"),
        ("POST", "/", "words=a", {}, 400, "not the form"),
        ("POST", "/", "text=a&text=b", {}, 400, "not the form"),
        ("POST", "/", b"text=\xff", {}, 400, "not the form"),
        ("POST", "/", None, {"Content_Length": "-1"}, 411, "how long"),
        ("POST", "/", None, {"Content_Length": "9" * 5000}, 411, "how long"),
        ("POST", "/", iter([b"text=a"]), {"Transfer_Encoding": "chunked"}, 411, "how long"),
        ("GET", "/", None, {"Host": "evil.example"}, 421, "This page is at http://127.0.0.1:"),
        ("POST", "/", "text=a", {"Host": "evil.example:80"}, 421, "This page is at"),
        ("POST", "/", "text=a", {"Origin": "http://evil.example"}, 403, "from another page"),
        ("POST", "/", "text=a", {"Origin": "http://localhost"}, 403, "from another page"),
        ("POST", "/", "text=a", {"Origin": "null"}, 403, "from another page"),
    ],
)
def test_refusals(server, method, path, body, headers, status, says):
    response, page = ask(server, method, path, body, **headers)
    assert response.status == status
    assert says in page
    assert response.getheader("Content-Security-Policy")


def test_a_post_from_the_page_itself(server):
    for name in ("127.0.0.1", "localhost"):
        origin = f"http://{name}:{server.server_port}"
        assert paste(server, "He dies", Origin=origin, Host=origin[7:])[0].status == 200


def test_a_body_that_ends_too_early(server):
    with socket.create_connection(("127.0.0.1", server.server_port)) as client:
        host = f"Host: 127.0.0.1:{server.server_port}"
        client.sendall(f"POST / HTTP/1.1\r\n{host}\r\nContent-Length: 12\r\n\r\ntext=He".encode())
        client.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: client.recv(1 << 16), b""))
    assert b" 400 Bad Request" in answer
    assert b"ends too early" in answer


def test_many_clients_may_wait():
    """Connect while the server does not yet accept, as while the model loads."""
    with Server(0) as server:
        clients = [socket.create_connection(("127.0.0.1", server.server_port), timeout=5) for _ in range(50)]
        for client in clients:
            client.close()


def test_a_taken_port_is_said_before_the_model_is_loaded(server, monkeypatch):
    def load(folder):
        raise AssertionError("loaded")

    monkeypatch.setattr(SpoilerDetector, "load", load)
    with pytest.raises(UserError, match="choose another by --port"):
        spoilers(["demo", "--port", str(server.server_port)])


def test_sentences_that_were_not_read_are_blurred_too(server):
    _, page = paste(server, "He dies. " + "A slow. " * 60)
    assert page.count('class="spoiler"') == 1
    assert page.count('class="spoiler unread"') == 49
    assert "49 sentences it has not read in full" in page
    assert "50 of 61 sentences are blurred" in page


def test_a_client_that_hangs_up(server, capfd):
    with socket.create_connection(("127.0.0.1", server.server_port)) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # reset at once
        client.sendall(b"POST / HTTP/1.1\r\nContent-Length: 9\r\n")
    assert paste(server, "He dies")[0].status == 200
    assert capfd.readouterr().err == ""


# In a browser.


@pytest.fixture
def tab(tmp_path) -> Iterator[browser.Tab]:
    if browser.PATH is None:
        pytest.skip(f"no browser is installed: none of {', '.join(browser.NAMES)} is on the path")
    with browser.tab(tmp_path / "profile") as tab:
        yield tab


def blurred(tab: browser.Tab) -> list[bool]:
    """Return whether each sentence that spoils is blurred on screen."""
    look = "[...document.querySelectorAll('.spoiler > span')].map(e => getComputedStyle(e).filter !== 'none')"
    return tab.run(look)


def test_a_reader_in_a_browser(server, tab, tmp_path):
    tab.open(server.url)
    tab.click("#text")
    tab.send("Input.insertText", text=f"I liked it.\n\nHe dies. The butler dies.\n{EVIL} She dies {EVIL}.")
    with tab.loading():
        tab.click("form button")
    assert tab.run("document.getElementById('verdict').textContent") == "Spoiler"
    assert tab.run("document.getElementById('text').value") == "", "the text would stand there unblurred"
    assert blurred(tab) == [True, True, True]

    before = tab.screenshot(tmp_path / "blurred.png")
    tab.click(".spoiler")
    assert blurred(tab) == [False, True, True]
    assert tab.screenshot(tmp_path / "shown.png") != before
    assert "He dies." in tab.run("document.querySelector('.spoiler').innerText")
    tab.click(".spoiler")
    assert blurred(tab) == [True, True, True]

    tab.press("Tab")  # moves from the first to the second
    tab.press("Enter")
    assert blurred(tab) == [True, False, True]
    assert tab.run("document.activeElement.getAttribute('aria-expanded')") == "true"
    tab.press(" ")
    assert blurred(tab) == [True, True, True]
    tab.click("#all")
    assert blurred(tab) == [False, False, False]

    assert EVIL in tab.run("document.getElementById('review').textContent"), "it is there, as text"
    assert tab.run("document.title") == "Does this review spoil?", "and it did nothing"
    assert tab.run("document.scripts.length") == 1
    assert {url.removeprefix(server.url) for url in tab.requests} <= {
        "",
        "page.css",
        "page.js",
        "favicon.ico",
    }
