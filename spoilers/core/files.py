"""Write files atomically: whole or not at all, even after a power failure."""

import hashlib
import json
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from spoilers.core.errors import UserError

try:
    import fcntl
except ImportError:  # Windows, which refuses to delete a file that another process has open
    fcntl = None


@contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """Yield a path to write to; rename it to `path` when the block succeeds, delete it otherwise.

    The partial file lies beside the final one, so that the rename is atomic. An existing file's mode is
    kept; a new file's follows the umask.

    Raises:
        UserError: the disk is full, the folder cannot be written to, or another process writes this file.
    """
    path = Path(path)
    with writing(path), claimed(path, os.O_CREAT | os.O_EXCL | os.O_RDWR) as partial:
        yield partial
        if path.is_file() and not path.is_symlink():
            os.chmod(partial, stat.S_IMODE(path.stat().st_mode))
        sync(partial)
        os.replace(partial, path)
        sync(path.parent)


@contextmanager
def replacing_folder(path: Path | str) -> Iterator[Path]:
    """Yield an empty folder to fill; rename it to `path` when the block succeeds, delete it otherwise.

    Raises:
        UserError: as `replacing` does.
    """
    path = Path(path)
    with writing(path), claimed(path, None) as partial:
        yield partial
        for inside in [*partial.rglob("*"), partial]:
            sync(inside)
        shutil.rmtree(path, ignore_errors=True)
        os.replace(partial, path)
        sync(path.parent)


@contextmanager
def scratch_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder beside `path`, with a name like it; delete it when the block ends."""
    with writing(path), claimed(path, None) as folder:
        yield folder
        delete(folder)


@contextmanager
def claimed(path: Path, flags: int | None) -> Iterator[Path]:
    """Create the partial file of `path` (a folder if `flags` is None); delete it if the block fails.

    The file is created exclusively, so no planted link is followed, and is locked while the block runs. A
    process's locks end with the process: a partial file without a lock was left by a killed process, and
    is deleted first.

    Raises:
        UserError: another process holds the lock.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_of(path)
    delete_left_over(partial, path)
    if flags is None:
        partial.mkdir()
    descriptor = os.open(partial, os.O_RDONLY if flags is None else flags, 0o666)
    try:
        lock(descriptor, path)
        if not os.path.samestat(os.fstat(descriptor), partial.lstat()):
            raise taken(path)  # another process found it before it was locked
        try:
            yield partial
        except BaseException:
            delete(partial)
            raise
    finally:
        os.close(descriptor)


def partial_of(path: Path) -> Path:
    """Return the path of the partial file for `path`."""
    return path.with_name(f".{path.name}.partial")


def delete_left_over(partial: Path, path: Path) -> None:
    """Delete the partial file or folder of `path`, unless a process has locked it."""
    try:
        descriptor = os.open(partial, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    except OSError:  # a link
        delete(partial)
        return
    try:
        lock(descriptor, path)
        delete(partial)
    finally:
        os.close(descriptor)


def lock(descriptor: int, path: Path) -> None:
    """Lock the open partial file or folder of `path`.

    Raises:
        UserError: another process has locked it.
    """
    try:
        if fcntl:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise taken(path) from None
    except OSError:
        pass  # a file system without locks


def taken(path: Path) -> UserError:
    return UserError(f"{path}: another process is writing it; wait until that has ended, or end it")


def delete(path: Path) -> None:
    """Delete a file, a link or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Flush a file's bytes, or a folder's entries, to the disk, and wait until it is done."""
    folder = os.O_DIRECTORY if path.is_dir() else 0
    descriptor = os.open(path, os.O_RDONLY | folder)
    try:
        with suppress(OSError if folder else ()):  # some file systems cannot sync a folder
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an OSError, unless it concerns another file, into a UserError about `path`."""
    try:
        yield
    except OSError as error:
        if isinstance(error.filename, str | bytes | os.PathLike):
            other = Path(os.fsdecode(error.filename))
            if partial_of(path).name not in other.parts and other not in (path, *path.parents):
                raise
        raise UserError(f"{path}: could not be written: {error.strerror or error}") from error


def write_text(path: Path | str, text: str) -> None:
    """Write a text file in UTF-8, whole or not at all."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(path: Path | str, value: object) -> None:
    """Write JSON that DVC and strict parsers can read, ending in a newline.

    Raises:
        ValueError: the value holds NaN or an infinity.
    """
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def read_json(path: Path | str) -> dict:
    """Read a JSON file."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def sha256(path: Path | str) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
