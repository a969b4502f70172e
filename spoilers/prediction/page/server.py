"""Serve the page on this machine only. The server stores nothing and loads nothing from elsewhere."""

import re
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

from jinja2 import Environment, FileSystemLoader

from spoilers.core.errors import UserError
from spoilers.prediction.detector import Prediction, SpoilerDetector

ADDRESS = "127.0.0.1"
LARGEST = 2**20  # bytes allowed in a form
SKIPPED = 2**24  # bytes of a larger form that are read and dropped, so that the browser gets the answer
TIMEOUT = 10.0  # seconds before a silent client is dropped
FOLDER = Path(__file__).parent
FILES = {"/page.css": "text/css", "/page.js": "text/javascript"}
HEADERS = {
    # Whatever a review contains, the page runs only its own script and contacts no other server.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
PAGE = Environment(loader=FileSystemLoader(FOLDER), autoescape=True).get_template("page.html.jinja")


class Refused(Exception):
    """A request that gets no prediction, with a status and a clear reason."""

    def __init__(self, status: HTTPStatus, message: str):
        super().__init__(message)
        self.status = status


class Server(ThreadingHTTPServer):
    """Serves the page for one detector, which all requests share.

    Set `detector` before serving.

    Raises:
        UserError: the port is taken, or this user may not use it.
    """

    daemon_threads = True
    request_queue_size = 128  # clients that may wait; the default is five, and the system refuses the sixth
    detector: SpoilerDetector

    def __init__(self, port: int):
        try:
            super().__init__((ADDRESS, port), Handler)
        except (OSError, OverflowError) as error:
            why = getattr(error, "strerror", None) or error
            raise UserError(f"port {port} of {ADDRESS}: {why}; choose another by --port") from error

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore a browser that hangs up: this is normal."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    @property
    def url(self) -> str:
        return f"http://{ADDRESS}:{self.server_port}/"

    @property
    def hosts(self) -> list[str]:
        """Return the host names by which a local browser can ask for the page."""
        return [f"{name}:{self.server_port}" for name in (ADDRESS, "localhost")]


class Handler(BaseHTTPRequestHandler):
    server: Server
    timeout = TIMEOUT

    def do_GET(self) -> None:
        self.answer(self.get)

    def do_POST(self) -> None:
        self.answer(self.post)

    def answer(self, respond) -> None:
        """Send the (type, content) that `respond` returns, or the page with the reason it refused."""
        try:
            self.check_host()
            self.send(HTTPStatus.OK, *respond())
        except Refused as refused:
            self.send(refused.status, "text/html", self.page(error=str(refused)))

    def check_host(self) -> None:
        """Refuse other host names: a foreign site may point its own name here (DNS rebinding)."""
        if self.headers.get("Host") not in self.server.hosts:
            raise Refused(HTTPStatus.MISDIRECTED_REQUEST, f"This page is at {self.server.url}")

    def get(self) -> tuple[str, str]:
        if self.path in FILES:
            return FILES[self.path], (FOLDER / self.path[1:]).read_text(encoding="utf-8")
        if self.path != "/":
            raise Refused(HTTPStatus.NOT_FOUND, "There is no such page here.")
        return "text/html", self.page()

    def post(self) -> tuple[str, str]:
        """Predict for the form's text."""
        text = self.read_text()
        origin = self.headers.get("Origin", self.server.url[:-1])
        if origin not in (f"http://{host}" for host in self.server.hosts):
            raise Refused(HTTPStatus.FORBIDDEN, "The request comes from another page.")
        if self.path != "/":
            raise Refused(HTTPStatus.NOT_FOUND, "There is no such page here.")
        (prediction,) = self.server.detector.predict([text])
        return "text/html", self.page(prediction)

    def read_text(self) -> str:
        """Return the field `text` of a form."""
        said = self.headers.get("Content-Length", "")
        if not re.fullmatch("[0-9]{1,12}", said):
            raise Refused(HTTPStatus.LENGTH_REQUIRED, "The request does not say how long it is.")
        length = int(said)
        if length > LARGEST:
            left = min(length, SKIPPED)
            while left > 0 and (read := len(self.rfile.read(min(left, LARGEST)))):
                left -= read
            raise Refused(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"The page takes {LARGEST:,} bytes; for longer texts there is `spoilers predict`.",
            )
        content = self.rfile.read(length)
        if len(content) < length:
            raise Refused(HTTPStatus.BAD_REQUEST, "The request ends too early.")
        try:
            fields = parse_qs(content.decode(), keep_blank_values=True, max_num_fields=1)
            return fields["text"][0]
        except (ValueError, KeyError) as error:  # not UTF-8, too many fields, another field
            raise Refused(HTTPStatus.BAD_REQUEST, "The request is not the form of this page.") from error

    def page(self, prediction: Prediction | None = None, error: str = "") -> str:
        return PAGE.render(prediction=prediction, error=error, detector=self.server.detector, largest=LARGEST)

    def send(self, status: HTTPStatus, kind: str, content: str) -> None:
        body = content.encode()
        self.send_response(status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Log nothing: who asked for what is nobody's business."""
