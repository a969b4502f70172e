"""Predictions as lines for people, and a standard output that may end early."""

import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from spoilers.core.errors import UserError
from spoilers.prediction.detector import Prediction

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # what could give orders to a terminal
RED, BOLD, PLAIN = "\033[31m", "\033[1m", "\033[0m"


def show(prediction: Prediction, threshold: float, colour: bool) -> str:
    """The verdict, and below it the sentences with their probabilities, those that spoil with a mark."""
    if prediction.probability is None:
        return "no score: the text is empty"
    verdict = "spoiler" if prediction.spoiler else "no spoiler"
    lines = [paint(f"{verdict}: {prediction.probability:.3f} (a spoiler from {threshold:.3f})", BOLD, colour)]
    for sentence in prediction.sentences:
        probability = "    -" if sentence.probability is None else f"{sentence.probability:.3f}"
        line = (
            f"{'!' if sentence.spoils else ' '} {probability}  {' '.join(printable(sentence.text).split())}"
        )
        lines.append(paint(line, RED, colour and sentence.spoils))
    return "\n".join(lines)


def paint(line: str, how: str, colour: bool) -> str:
    return f"{how}{line}{PLAIN}" if colour else line


def printable(text: str) -> str:
    """The text without control characters but tabs and line feeds."""
    return CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def wants_colour() -> bool:
    """Whether standard output is a terminal whose user has not asked for no colour (no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


@contextmanager
def standard_output() -> Iterator[None]:
    """End quietly when the reader of a pipe has gone (`| head`), in one line when the disk is full.

    Characters that the output's encoding lacks become question marks.
    """
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
    """Let what is left go nowhere: Python would try again to write it on its way out."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
