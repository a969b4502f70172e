"""Fetch the file of reviews from a web server or a path: a whole gzip file, or nothing.

A download is written to a file outside the pipeline's outputs, named after its URL, so that an
interrupted one resumes where it stopped. Only a file that decompresses to its end, and has the
expected SHA-256, gets the final name. The download is kept, since DVC deletes outputs before it runs a
stage again: a file that was found whole is never requested a second time.
"""

import gzip
import hashlib
import os
import re
import shutil
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, wait
from http.client import IncompleteRead
from pathlib import Path
from urllib.parse import urljoin

import requests
import urllib3
from isal import igzip, isal_zlib
from tqdm import tqdm

from spoilers.core.errors import UserError
from spoilers.core.files import read_json, replacing, sha256, write_json
from spoilers.core.terminal import printable

HOSTS = (
    "https://mcauleylab.ucsd.edu/public_datasets/gdrive/goodreads/",
    "https://datarepo.eng.ucsd.edu/mcauley_group/gdrive/goodreads/",  # the older one
)
NAMED = {
    "goodreads": [host + "goodreads_reviews_spoiler.json.gz" for host in HOSTS],
    "goodreads_raw": [host + "goodreads_reviews_spoiler_raw.json.gz" for host in HOSTS],
}
CACHE = Path(".cache/download")
GZIP = b"\x1f\x8b"
BLOCK = 1 << 20
LONGEST_LINE = 1000  # characters of a message
RECORD = re.compile(rb'"review_(?:id|text|sentences)"\s*:')  # a key that every layout has
BOM = b"\xef\xbb\xbf"
TIMEOUT = 30.0  # seconds without a byte
MINUTE = 60.0  # seconds over which a rate is measured
SLOWEST = 60 * 1024  # minimum bytes in a minute
PAUSES = (1.0, 2.0, 4.0, 8.0)  # seconds between five attempts that receive nothing new
LINE = re.compile(r"[\x21-\x7e][\x20-\x7e]*")  # a valid value of a header
LONGEST_PAUSE = 60.0  # even if a busy server asks for more
BROKEN = (  # the connection broke; another one may resume
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    urllib3.exceptions.HTTPError,  # while the body is read
)


class Refused(UserError):
    """The file or the server's answer is unusable; another server may have a good one."""


class Interrupted(Exception):
    """The download ended early; another attempt may resume it."""

    def __init__(self, reason: str, pause: float = 0.0, slow: bool = False) -> None:
        super().__init__(reason)
        self.pause = pause  # seconds that the server asks us to wait
        self.slow = slow  # too few bytes came to count as progress


def addresses(source: str) -> list[str]:
    """Return the URLs to try in turn for a named source or a URL; none for a path.

    Raises:
        UserError: a URL is neither http nor https.
    """
    if source in NAMED:
        return NAMED[source]
    scheme, separator, _ = source.partition("://")
    if not separator:
        return []
    if scheme.lower() not in ("http", "https"):
        raise UserError(
            f"{source}: only http and https are downloaded; "
            "fetch the file by hand and set download.source to its path"
        )
    return [source]


def fetch(
    urls: Sequence[str],
    target: Path | str,
    expected: str | None = None,
    cache: Path = CACHE,
    pauses: Sequence[float] = PAUSES,
    timeout: float = TIMEOUT,
) -> dict:
    """Download `target` from the first of `urls` with a whole gzip file; return its URL, size and SHA-256.

    After a redirect, return its last URL too, as `redirected_to`.

    Raises:
        UserError: no URL gave the file (with the SHA-256 `expected`, if given), or it could not be written.
    """
    refusals = []
    for url in sorted(urls, key=lambda url: not Partial(url, cache).verified):
        partial = Partial(url, cache)
        try:
            download(partial, pauses, timeout)
            facts = accept(partial, expected)
        except Refused as refusal:
            say(str(refusal))
            refusals.append(str(refusal))
        except OSError as error:
            raise UserError(
                f"{partial.path}: could not be written: {error.strerror or error}; "
                "mend that (free some room, say) and run again: the download goes on from where it stopped"
            ) from error
        else:
            with replacing(target) as beside:
                shutil.copyfile(partial.path, beside)
            for other in urls:
                if other != url:
                    Partial(other, cache).delete()
            return {"url": url, **partial.redirection, **facts}
    raise UserError(
        f"{'; '.join(refusals)}; if that lasts, fetch the file by hand, with a browser or "
        f"`curl -L -O {urls[0]}`, and set download.source to its path"
    )


def copy(source: str, target: Path | str, expected: str | None = None) -> dict:
    """Copy a gzip file, or compress JSON lines, to `target`; return path, size and SHA-256 of `source`.

    Raises:
        UserError: `source` cannot be read, is neither, or does not have the SHA-256 `expected`.
    """
    path = Path(os.path.expanduser(source))
    start = read_start(path, source)
    with replacing(target) as partial:
        if start.startswith(GZIP):
            shutil.copyfile(path, partial)
            facts = examine(partial, expected, source)
        else:
            facts = check_sum(path, expected, source)
            compress(path, partial)
    return {"path": source, **facts}


def examine(path: Path, expected: str | None, name: str) -> dict:
    """Check that a file is one whole gzip file; return its size in bytes and its SHA-256.

    Raises:
        Refused: it is not, or it does not have the SHA-256 `expected`.
    """
    check_gzip(path, name)
    return check_sum(path, expected, name)


def check_gzip(path: Path, name: str) -> None:
    """Decompress `path` to its end; messages call it `name`.

    Raises:
        Refused: it is damaged, cut short or empty, other bytes follow its end, or it holds no reviews.
    """
    size, packed = 0, path.stat().st_size
    try:
        with open(path, "rb") as raw, igzip.open(raw) as file, progress("checking", packed) as bar:
            while block := file.read(BLOCK):
                if not size:
                    check_content(block, name)
                size += len(block)
                bar.update(raw.tell() - bar.n)
    except EOFError as error:
        raise Refused(f"{name}: is cut short, or goes on after its end; fetch it anew") from error
    except (gzip.BadGzipFile, isal_zlib.error) as error:
        raise Refused(f"{name}: is damaged, or goes on after its end ({error}); fetch it anew") from error
    if not size:
        raise Refused(f"{name}: is empty; fetch it anew")


def check_content(start: bytes, name: str) -> None:
    """Check that a file, once decompressed, begins like a file of reviews; messages call it `name`.

    Raises:
        Refused: it does not.
    """
    text = start.removeprefix(BOM).lstrip()
    if start.startswith(GZIP):
        raise Refused(f"{name}: is gzip inside gzip; unpack it once and set download.source to its path")
    if text.startswith(b"<"):
        raise Refused(f"{name}: is a web page; fetch the file that it links to")
    if text.startswith(b"["):
        raise Refused(f"{name}: is one JSON array; write one object a line")
    if text and not RECORD.search(text):
        raise Refused(f"{name}: begins with {text[:60]!r}, which is no review; correct download.source")


def check_sum(path: Path, expected: str | None, name: str) -> dict:
    """Return a file's size in bytes and its SHA-256.

    Raises:
        Refused: the SHA-256 is not the expected one.
    """
    facts = {"bytes": path.stat().st_size, "sha256": sha256(path)}
    check_expected(facts, expected, name)
    return facts


def check_expected(facts: dict, expected: str | None, name: str) -> None:
    """Compare the file's SHA-256 with the expected one, if there is one.

    Raises:
        Refused: they differ.
    """
    if expected and facts["sha256"] != expected.lower():
        raise Refused(
            f"{name}: has SHA-256 {facts['sha256']}, not {expected}; correct download.sha256 or the file"
        )


class Partial:
    """The bytes received from a URL so far, with notes on which version of the file they belong to."""

    def __init__(self, url: str, folder: Path) -> None:
        digest = hashlib.sha256(url.encode()).hexdigest()
        self.url = url
        self.path = folder / f"{digest}.json.gz"
        self.notes_path = folder / f"{digest}.json"
        try:
            notes = read_json(self.notes_path)  # url, validator, bytes; sha256 once the file is whole
        except (OSError, ValueError, RecursionError):
            notes = {}
        # Without notes, or with damaged ones, the download starts over.
        self.notes = notes if isinstance(notes, dict) and notes.get("url") == url else {}

    @property
    def size(self) -> int:
        """Return the number of bytes received."""
        return self.path.stat().st_size if self.path.exists() else 0

    @property
    def whole(self) -> bool:
        """Return whether all announced bytes have been received."""
        return self.size > 0 and self.size == self.notes.get("bytes")

    @property
    def verified(self) -> str | None:
        """Return the file's SHA-256 once it is known to be whole, else None."""
        return self.notes.get("sha256")

    @property
    def validator(self) -> str | None:
        """Return the version of the file that the bytes belong to, as the server names it."""
        validator = self.notes.get("validator")
        return validator if isinstance(validator, str) and LINE.fullmatch(validator) else None

    @property
    def redirection(self) -> dict[str, str]:
        """Return the URL that the bytes came from, if the server redirected."""
        last = self.notes.get("redirected_to")
        return {"redirected_to": last} if isinstance(last, str) else {}

    def start(self, validator: str | None, size: int | None, last_url: str) -> None:
        """Empty the file, then note its new version: in this order, a kill cannot mix versions."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_bytes(b"")
        redirection = {} if last_url == self.url else {"redirected_to": last_url}
        self.notes = {}
        self.note(url=self.url, validator=validator, bytes=size, **redirection)

    def note(self, **facts: str | int | None) -> None:
        """Add to the notes and save them."""
        self.notes |= facts
        write_json(self.notes_path, self.notes)

    def delete(self) -> None:
        """Delete the bytes and the notes."""
        self.path.unlink(missing_ok=True)
        self.notes_path.unlink(missing_ok=True)
        self.notes = {}


def download(partial: Partial, pauses: Sequence[float], timeout: float) -> None:
    """Download until all bytes have arrived; give up after `len(pauses)` + 1 attempts without a new byte.

    Raises:
        Refused: the server sends another kind of file, or nothing more.
        OSError: the partial file cannot be written.
    """
    if partial.whole and partial.verified:
        if sha256(partial.path) == partial.verified:
            say(f"{partial.url}: is here already (delete {partial.path} to download it anew)")
            return
        partial.delete()
    say(f"downloading {partial.url}")
    furthest, left = partial.size, iter(pauses)
    with Session() as session:
        while not partial.whole:
            try:
                attempt(session, partial, timeout)
            except Interrupted as interruption:
                if partial.size > furthest and not interruption.slow:
                    furthest, left = partial.size, iter(pauses)
                pause = next(left, None)
                if pause is None:
                    raise Refused(f"{partial.url}: {interruption}, try after try") from interruption
                pause = max(pause, interruption.pause)
                say(f"{partial.url}: {interruption}; {show(partial.size)} are here; next try in {pause:g} s")
                time.sleep(pause)
    say(f"downloaded {show(partial.size)}")


class Session(requests.Session):
    """A session that accepts http and https only, in redirects too, and never leaves https for http."""

    def get_redirect_target(self, response: requests.Response) -> str | None:
        target = super().get_redirect_target(response)
        if target and response.url.lower().startswith("https:"):
            there = urljoin(response.url, target)
            if there.lower().startswith("http:"):
                raise Refused(f"{response.url}: redirects from https to http ({there}), which is not safe")
        return target


def accept(partial: Partial, expected: str | None) -> dict:
    """Examine a complete download; delete it if it is damaged, so that the next attempt starts from scratch.

    A whole file with an unexpected SHA-256 is kept: the expectation may be wrong.

    Raises:
        Refused: as `examine` does.
    """
    if not partial.verified:
        try:
            check_gzip(partial.path, partial.url)
        except Refused:
            partial.delete()
            raise
        partial.note(sha256=sha256(partial.path))
    facts = {"bytes": partial.size, "sha256": partial.verified}
    check_expected(facts, expected, f"{partial.url} (kept as {partial.path})")
    return facts


def attempt(session: requests.Session, partial: Partial, timeout: float) -> None:
    """Request the missing bytes and append them.

    Raises:
        Interrupted: the download failed, and another attempt may succeed.
        Refused: another attempt would fail too.
        OSError: the partial file cannot be written.
    """
    headers = {"Accept-Encoding": "identity"}  # the gzip file itself, not compressed again
    if partial.size and partial.validator:
        headers |= {"Range": f"bytes={partial.size}-", "If-Range": partial.validator}
    try:
        with answer(session, partial.url, headers, timeout) as response:
            receive(response, partial)
    except requests.exceptions.SSLError as error:
        raise Refused(f"{partial.url}: no secure connection: {explain(error)}") from error
    except requests.exceptions.InvalidSchema as error:
        if "SOCKS" in str(error):
            proxy = requests.utils.select_proxy(partial.url, requests.utils.getproxies())
            raise Refused(
                f"{partial.url}: the proxy {proxy} is not used: only http and https ones are"
            ) from error
        raise Refused(f"{partial.url}: redirects to what is neither http nor https ({error})") from error
    except BROKEN as error:
        raise Interrupted(explain(error)) from error
    except requests.RequestException as error:
        raise Refused(f"{partial.url}: {str(error).rstrip('.')}") from error
    except ValueError as error:  # a length of 5,000 digits, a redirect to `http://[`
        raise Refused(f"{partial.url}: the server's answer makes no sense ({error})") from error


def answer(session: requests.Session, url: str, headers: dict[str, str], timeout: float) -> requests.Response:
    """Request a file, and wait a minute at most for the head of the answer; its body is still to come.

    The limit of requests, `timeout`, starts anew with each byte.

    Raises:
        Interrupted: the head did not come in time.
        requests.RequestException: there is no connection, or no valid answer.
    """
    asked: Future[requests.Response] = Future()

    def ask() -> None:
        try:
            asked.set_result(session.get(url, headers=headers, stream=True, timeout=timeout))
        except Exception as error:
            asked.set_exception(error)

    threading.Thread(target=ask, daemon=True).start()
    if not wait([asked], MINUTE).done:
        raise Interrupted(f"no answer came in {MINUTE:g} seconds", slow=True)
    return asked.result()


def receive(response: requests.Response, partial: Partial) -> None:
    """Write the body of a response to the end of the partial file, or start the file over.

    Raises:
        Interrupted, Refused, OSError: as `attempt` does.
        requests.RequestException, urllib3.exceptions.HTTPError: the connection broke.
    """
    head = b""
    match response.status_code:
        case 200:
            size = response.raw.length_remaining  # None when the server does not say
            head = read_head(response, partial.url)  # checked before good bytes are overwritten
            partial.start(validator(response), size, response.url)
        case 206 if total := continues(response, partial):
            partial.note(bytes=total)
        case 416 if response.headers.get("Content-Range") == f"bytes */{partial.size}":
            partial.note(bytes=partial.size)  # complete, though an earlier response announced more
            return
        case 206 | 416:
            partial.delete()
            raise Interrupted("the file has changed on the server")
        case status if status in (408, 425, 429) or status >= 500:
            raise Interrupted(f"the server answers {status} {response.reason}", requested_pause(response))
        case status:
            raise Refused(f"{partial.url}: the server answers {status} {response.reason}")
    append(response, partial, head)


def append(response: requests.Response, partial: Partial, head: bytes) -> None:
    """Append `head` and the rest of the body, as sent, to the partial file.

    Raises:
        Interrupted: the length differs from the announced one, or too few bytes came in a minute.
        urllib3.exceptions.HTTPError: the connection broke.
        OSError: the disk is full or failed.
    """
    announced = partial.notes["bytes"]
    with open(partial.path, "ab") as file, progress("downloading", announced, partial.size) as bar:
        file.write(head)
        bar.update(len(head))
        began, before = time.monotonic(), file.tell()
        while block := response.raw.read1(BLOCK, decode_content=False):
            file.write(block)
            bar.update(len(block))
            if time.monotonic() - began > MINUTE:
                report(partial, announced, file.tell() - before, shown=not bar.disable)
                began, before = time.monotonic(), file.tell()
    if announced is None:  # the server ends the body where the file ends
        partial.note(bytes=partial.size)
    if not partial.whole:
        raise Interrupted("the server sent another length than it announced")


def report(partial: Partial, announced: int | None, received: int, shown: bool) -> None:
    """Print the download's progress each minute, unless a bar shows it.

    Raises:
        Interrupted: fewer than `SLOWEST` bytes came.
    """
    if received < SLOWEST:
        raise Interrupted(f"only {show(received)} came in {MINUTE:g} seconds", slow=True)
    if not shown:
        of = f" of {show(announced)}" if announced else ""
        say(f"{partial.url}: {show(partial.size)}{of} are here")


def read_head(response: requests.Response, url: str) -> bytes:
    """Return the first two bytes of the body, which must be gzip's.

    Raises:
        Refused: they are not, or the body is a web page.
    """
    if response.headers.get("Content-Type", "").lower().startswith("text/html"):
        raise Refused(f"{url}: the server sends a web page in place of the file")
    head = response.raw.read(len(GZIP), decode_content=False)
    if not head:
        raise Refused(f"{url}: the server sends an empty file")
    if head.startswith(b"<"):
        raise Refused(f"{url}: the server sends a web page in place of the file")
    if head != GZIP:
        encoding = response.headers.get("Content-Encoding")
        how = f" (the server encodes it as {encoding!r})" if encoding else ""
        raise Refused(f"{url}: is no gzip file{how}, and over HTTP nothing else is accepted")
    return head


def validator(response: requests.Response) -> str | None:
    """Return the value for If-Range: a strong ETag, or the date of the last change; None without either."""
    etag = response.headers.get("ETag")
    return etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified")


def continues(response: requests.Response, partial: Partial) -> int | None:
    """Return the whole file's size if the response resumes exactly where the partial file ends, else None."""
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", response.headers.get("Content-Range", ""))
    if not found or int(found[1]) != partial.size:
        return None
    noted = partial.validator
    same_file = noted and validator(response) in (None, noted)
    same_size = partial.notes.get("bytes") in (None, int(found[2]))
    return int(found[2]) if same_file and same_size else None


def requested_pause(response: requests.Response) -> float:
    """Return the seconds of a Retry-After header, at most `LONGEST_PAUSE`; 0 without one."""
    seconds = response.headers.get("Retry-After", "")
    return min(float(seconds), LONGEST_PAUSE) if seconds.isdecimal() else 0.0


def explain(error: BaseException) -> str:
    """Return the message of the innermost error, which is the operating system's."""
    while inner := error.__cause__ or error.__context__:
        error = inner
    if isinstance(error, IncompleteRead):
        return "the connection ended early"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def read_start(path: Path, name: str) -> bytes:
    """Return the first block of a file of reviews.

    Raises:
        UserError: it cannot be read, or is neither text nor gzip.
    """
    try:
        if not path.is_file():
            reason = "is not a file" if path.exists() else "there is no such file"
            raise UserError(
                f"{name}: {reason}; set download.source to sample, goodreads, goodreads_raw, "
                "the path of a file, or an http(s) URL"
            )
        with open(path, "rb") as file:
            start = file.read(BLOCK)
    except OSError as error:
        raise UserError(f"{name}: could not be read: {error.strerror}; correct download.source") from error
    if not start.removeprefix(BOM).strip():
        raise UserError(f"{name}: is empty; fetch it anew or correct download.source")
    if not start.startswith(GZIP) and b"\0" in start:
        raise UserError(f"{name}: is neither gzip nor JSON lines; unpack it or correct download.source")
    if not start.startswith(GZIP):
        check_content(start, name)
    return start


def compress(path: Path, target: Path) -> None:
    """Compress a file with gzip; equal files give equal bytes, since no time is stored."""
    with (
        open(path, "rb") as plain,
        open(target, "wb") as raw,
        igzip.IGzipFile("", "wb", fileobj=raw, mtime=0) as file,
        progress("compressing", path.stat().st_size) as bar,
    ):
        while block := plain.read(BLOCK):
            file.write(block)
            bar.update(len(block))


def progress(what: str, total: int | None, done: int = 0) -> tqdm:
    """Return a progress bar in bytes, shown on a terminal only."""
    return tqdm(
        desc=what, total=total, initial=done, unit="B", unit_scale=True, unit_divisor=1024, disable=None,
        leave=False,
    )  # fmt: skip


def show(size: int) -> str:
    """Return a size in bytes with a unit, such as `3.2MB`."""
    return tqdm.format_sizeof(size, "B", 1024)


def say(line: str) -> None:
    """Print a line to standard error, above any progress bar."""
    tqdm.write(printable(line, LONGEST_LINE), file=sys.stderr)
