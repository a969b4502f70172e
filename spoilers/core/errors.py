"""Report any error of a command in one line."""

import gc
import os
import sys
from collections.abc import Callable

from spoilers.core.terminal import printable

LONGEST = 1000  # characters of a message
DEBUG = "SPOILERS_DEBUG"  # the environment variable that turns on tracebacks


class UserError(Exception):
    """A mistake that only the user can correct; its message says what, where and what to do."""


def run(main: Callable[[], None]) -> None:
    """Run a command's `main`; print an error as one line and exit with status 1, or 130 after Ctrl-C.

    For an unexpected error, the line also says how to see its traceback.
    """
    collect_no_imports()
    open_standard_streams()
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if os.environ.get(DEBUG):
            raise
        sys.exit(f"error: {printable(' '.join(explain(error).split()), LONGEST)}")
    finally:
        gc.freeze()  # otherwise Python's last collections visit all of PyTorch, for a second


def collect_no_imports() -> None:
    """Let Python's garbage collector run, but not visit what has been imported up to now."""
    gc.freeze()
    gc.enable()


def explain(error: Exception) -> str:
    """Return the message for an error."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, MemoryError):
        return "there is not enough memory"
    return f"{type(error).__name__}: {error} (set {DEBUG}=1 to see where)"


def open_standard_streams() -> None:
    """Open any closed standard streams; otherwise a data file could get a stream's number."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            nothing = os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is the stream's
            setattr(sys, name, os.fdopen(nothing, "w" if number else "r"))
