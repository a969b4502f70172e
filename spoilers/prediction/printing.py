"""Print predictions for people, on a standard output that may close early."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from spoilers.core.errors import UserError
from spoilers.core.terminal import printable
from spoilers.prediction.detector import Prediction

RED, BOLD, PLAIN = "\033[31m", "\033[1m", "\033[0m"


def show(prediction: Prediction, threshold: float, colour: bool) -> str:
    """Return the verdict, and below it each sentence with its probability.

    `!` marks sentences that spoil, and `?` those that the model did not read in full.
    """
    if prediction.probability is None:
        return "no score: the text is empty"
    verdict = "spoiler" if prediction.spoiler else "no spoiler"
    verdict = f"{verdict}: {prediction.probability:.3f} (a spoiler from {threshold:.3f})"
    unread = sum(not sentence.read for sentence in prediction.sentences)
    if unread:
        verdict += f"; the model read only the beginning and the end, and not all of {unread} sentences (?)"
    lines = [paint(verdict, BOLD, colour)]
    for sentence in prediction.sentences:
        mark = "!" if sentence.spoils else " " if sentence.read else "?"
        probability = "    -" if sentence.probability is None else f"{sentence.probability:.3f}"
        line = f"{mark} {probability}  {' '.join(printable(sentence.text).split())}"
        lines.append(paint(line, RED, colour and sentence.spoils))
    return "\n".join(lines)


def paint(line: str, how: str, colour: bool) -> str:
    return f"{how}{line}{PLAIN}" if colour else line


def wants_colour() -> bool:
    """Return whether standard output is a terminal and NO_COLOR is not set (no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


@contextmanager
def standard_output() -> Iterator[None]:
    """End quietly when a pipe's reader has gone (`| head`), and in one line when the disk is full.

    Characters that the encoding lacks become question marks.

    Raises:
        UserError: the output is closed or not writable.
    """
    if sys.__stdout__ is None:
        raise UserError("standard output: is closed")
    sys.stdout.reconfigure(errors="replace")
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        discard_output()
        sys.exit(128 + signal.SIGPIPE)
    except OSError as error:
        discard_output()
        raise UserError(f"standard output: {error.strerror or error}") from error


def discard_output() -> None:
    """Discard the remaining output: Python would try again to write it on exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
