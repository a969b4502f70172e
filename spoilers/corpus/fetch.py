"""Brings the file of reviews here, from a web server or a path: one whole gzip file, or none.

A transfer grows in a partial file outside the pipeline's outputs, named after its URL, so that a
broken one goes on from where it stopped. Only a file that decompresses to its end, and has the
expected sum, gets the final name.
"""

import gzip
import hashlib
import os
import re
import shutil
import sys
import time
from collections.abc import Sequence
from http.client import IncompleteRead
from pathlib import Path

import requests
import urllib3
from isal import igzip, isal_zlib
from tqdm import tqdm

from spoilers.core.errors import UserError
from spoilers.core.files import read_json, replacing, sha256, write_json

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
TIMEOUT = 30.0  # seconds without a byte
PAUSES = (1.0, 2.0, 4.0, 8.0)  # seconds between five tries that bring nothing new
LONGEST_PAUSE = 60.0  # however long a busy server asks for
BROKEN = (  # a connection, which another may go on from
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    urllib3.exceptions.HTTPError,  # while the body is read
)


class Refused(UserError):
    """The file, or the server's answer, is no good; another server may do better."""


class Interrupted(Exception):
    """The transfer ended early; another try may go on with it."""

    def __init__(self, reason: str, pause: float = 0.0) -> None:
        super().__init__(reason)
        self.pause = pause  # seconds that the server asks for


def addresses(source: str) -> list[str]:
    """The URLs to try in turn for a named source or a URL; none for a path.

    Raises:
        UserError: a URL that is neither http nor https.
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
    """Download `target` from the first of `urls` that gives a whole gzip file; describe what came.

    Raises:
        UserError: no URL gave the file (with SHA-256 `expected`, if any), or it could not be written.
    """
    refusals = []
    for url in urls:
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
                shutil.move(partial.path, beside)  # a copy where data/ lies on another disk
            for other in urls:
                Partial(other, cache).delete()
            return {"url": url, **facts}
    raise UserError(
        f"{'; '.join(refusals)}; if that lasts, fetch the file by hand, with a browser or "
        f"`curl -L -O {urls[0]}`, and set download.source to its path"
    )


def copy(source: str, target: Path | str, expected: str | None = None) -> dict:
    """Copy a gzip file, or gzip plain JSON lines, to `target`; describe the file at `source`.

    Raises:
        UserError: `source` cannot be read, is no such file, or has not the SHA-256 `expected`.
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
    """Size and SHA-256 of a file that proves to be whole.

    Raises:
        Refused: it is not one whole gzip file, or not the expected one.
    """
    check_gzip(path, name)
    return check_sum(path, expected, name)


def check_gzip(path: Path, name: str) -> None:
    """Decompress `path` to its end; `name` is what messages call it.

    Raises:
        Refused: it is damaged, cut short, empty, or goes on after its end.
    """
    size, packed = 0, path.stat().st_size
    try:
        with open(path, "rb") as raw, igzip.open(raw) as file, progress("checking", packed) as bar:
            while block := file.read(BLOCK):
                size += len(block)
                bar.update(raw.tell() - bar.n)
    except EOFError as error:
        raise Refused(f"{name}: is cut short, or goes on after its end; fetch it anew") from error
    except (gzip.BadGzipFile, isal_zlib.error) as error:
        raise Refused(f"{name}: is damaged, or goes on after its end ({error}); fetch it anew") from error
    if not size:
        raise Refused(f"{name}: is empty; fetch it anew")


def check_sum(path: Path, expected: str | None, name: str) -> dict:
    """Size and SHA-256 of a file.

    Raises:
        Refused: the sum is not the expected one.
    """
    found = sha256(path)
    if expected and found != expected.lower():
        raise Refused(f"{name}: has SHA-256 {found}, not {expected}; correct download.sha256 or the file")
    return {"bytes": path.stat().st_size, "sha256": found}


class Partial:
    """What has arrived of a URL, and beside it what tells whether the server still has that file."""

    def __init__(self, url: str, folder: Path) -> None:
        digest = hashlib.sha256(url.encode()).hexdigest()
        self.url = url
        self.path = folder / f"{digest}.partial"
        self.notes_path = folder / f"{digest}.json"
        try:
            self.notes = read_json(self.notes_path)  # url, validator, bytes
        except (OSError, ValueError):
            self.notes = {}  # without them the transfer starts over

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    @property
    def whole(self) -> bool:
        return self.size > 0 and self.size == self.notes.get("bytes")

    def start(self, validator: str | None, size: int | None) -> None:
        """Empty the file, then note whose bytes it will hold: a kill in between mixes nothing."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_bytes(b"")
        self.note(url=self.url, validator=validator, bytes=size)

    def note(self, **facts: str | int | None) -> None:
        self.notes |= facts
        write_json(self.notes_path, self.notes)

    def delete(self) -> None:
        self.path.unlink(missing_ok=True)
        self.notes_path.unlink(missing_ok=True)
        self.notes = {}


def download(partial: Partial, pauses: Sequence[float], timeout: float) -> None:
    """Try until all has arrived; give up when, `pauses` later, nothing more has.

    Raises:
        Refused: the server gives something else, or nothing.
        OSError: the partial file cannot be written.
    """
    say(f"downloading {partial.url}")
    furthest, left = partial.size, iter(pauses)
    with requests.Session() as session:  # which knows http and https, and no other scheme
        while not partial.whole:
            try:
                attempt(session, partial, timeout)
            except Interrupted as interruption:
                if partial.size > furthest:
                    furthest, left = partial.size, iter(pauses)
                pause = next(left, None)
                if pause is None:
                    raise Refused(f"{partial.url}: {interruption}, try after try") from interruption
                pause = max(pause, interruption.pause)
                say(f"{partial.url}: {interruption}; {show(partial.size)} are here; next try in {pause:g} s")
                time.sleep(pause)
    say(f"downloaded {show(partial.size)}")


def accept(partial: Partial, expected: str | None) -> dict:
    """Examine what has arrived; what is wrong is deleted, so that the next try starts clean.

    Raises:
        Refused: as `examine` does.
    """
    try:
        return examine(partial.path, expected, partial.url)
    except Refused:
        partial.delete()
        raise


def attempt(session: requests.Session, partial: Partial, timeout: float) -> None:
    """Ask for what is missing and append it.

    Raises:
        Interrupted: the transfer may succeed another time.
        Refused: it would not.
        OSError: the partial file cannot be written.
    """
    headers = {"Accept-Encoding": "identity"}  # the gzip file itself, not one packed for the journey
    if partial.size and partial.notes.get("validator"):
        headers |= {"Range": f"bytes={partial.size}-", "If-Range": partial.notes["validator"]}
    try:
        with session.get(partial.url, headers=headers, stream=True, timeout=timeout) as response:
            receive(response, partial)
    except requests.exceptions.SSLError as error:
        raise Refused(f"{partial.url}: no secure connection: {explain(error)}") from error
    except requests.exceptions.InvalidSchema as error:
        raise Refused(f"{partial.url}: redirects to what is neither http nor https ({error})") from error
    except BROKEN as error:
        raise Interrupted(explain(error)) from error
    except requests.RequestException as error:
        raise Refused(f"{partial.url}: {str(error).rstrip('.')}") from error


def receive(response: requests.Response, partial: Partial) -> None:
    """Write the body of an answer, at the end of the partial file or from its beginning.

    Raises:
        Interrupted, Refused, OSError: as `attempt` does.
        requests.RequestException, urllib3.exceptions.HTTPError: the connection broke.
    """
    head = b""
    match response.status_code:
        case 200:
            size = response.raw.length_remaining  # None when the server does not tell
            head = read_head(response, partial.url)  # before anything good is overwritten
            partial.start(validator(response), size)
        case 206 if total := continues(response, partial):
            partial.note(bytes=total)
        case 416 if response.headers.get("Content-Range") == f"bytes */{partial.size}":
            partial.note(bytes=partial.size)  # all is here, though an earlier answer promised more
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
    """Write `head` and the rest of the body, undecoded, at the end of the partial file.

    Raises:
        Interrupted: it has not the length that was announced.
        urllib3.exceptions.HTTPError, OSError: the connection broke; the disk would take no more.
    """
    announced = partial.notes["bytes"]
    with open(partial.path, "ab") as file, progress("downloading", announced, partial.size) as bar:
        file.write(head)
        bar.update(len(head))
        while block := response.raw.read1(BLOCK, decode_content=False):
            file.write(block)
            bar.update(len(block))
    if announced is None:  # the server ends the body where the file ends
        partial.note(bytes=partial.size)
    if not partial.whole:
        raise Interrupted("the server sent another length than it announced")


def read_head(response: requests.Response, url: str) -> bytes:
    """The first two bytes of the body, which must be those of a gzip file.

    Raises:
        Refused: they are not.
    """
    if response.headers.get("Content-Type", "").lower().startswith("text/html"):
        raise Refused(f"{url}: the server sends a web page in place of the file")
    head = response.raw.read(len(GZIP), decode_content=False)
    if not head:
        raise Refused(f"{url}: the server sends an empty file")
    if head.startswith(b"<"):
        raise Refused(f"{url}: the server sends a web page in place of the file")
    if head != GZIP:
        raise Refused(f"{url}: is no gzip file, and over HTTP nothing else is accepted")
    return head


def validator(response: requests.Response) -> str | None:
    """What If-Range may hold: a strong ETag, or the date of the last change."""
    etag = response.headers.get("ETag")
    return etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified")


def continues(response: requests.Response, partial: Partial) -> int | None:
    """The whole file's size, when the answer goes on exactly where the partial file ends."""
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", response.headers.get("Content-Range", ""))
    if not found or int(found[1]) != partial.size:
        return None
    noted = partial.notes.get("validator")
    same_file = noted and validator(response) in (None, noted)
    same_size = partial.notes.get("bytes") in (None, int(found[2]))
    return int(found[2]) if same_file and same_size else None


def requested_pause(response: requests.Response) -> float:
    """Seconds of a Retry-After header, within reason; 0 when there is none."""
    seconds = response.headers.get("Retry-After", "")
    return min(float(seconds), LONGEST_PAUSE) if seconds.isdecimal() else 0.0


def explain(error: BaseException) -> str:
    """The words of the operating system, below the layers that wrap them."""
    while inner := error.__cause__ or error.__context__:
        error = inner
    if isinstance(error, IncompleteRead):
        return "the connection ended early"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def read_start(path: Path, name: str) -> bytes:
    """The first block of a file of reviews.

    Raises:
        UserError: it cannot be read, or holds no text and no gzip.
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
    text = start.lstrip()
    if not text:
        raise UserError(f"{name}: is empty; fetch it anew or correct download.source")
    if text.startswith(b"<"):
        raise UserError(f"{name}: is a web page; fetch the file that it links to")
    if not start.startswith(GZIP) and b"\0" in start:
        raise UserError(f"{name}: is neither gzip nor JSON lines; unpack it or correct download.source")
    return start


def compress(path: Path, target: Path) -> None:
    """Gzip a plain file; the same bytes give the same bytes."""
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
    """A bar with size and rate, on a terminal only."""
    return tqdm(
        desc=what, total=total, initial=done, unit="B", unit_scale=True, unit_divisor=1024, disable=None,
        leave=False,
    )  # fmt: skip


def show(size: int) -> str:
    return tqdm.format_sizeof(size, "B", 1024)


def say(line: str) -> None:
    tqdm.write(line, file=sys.stderr)
