"""Escape untrusted text for the terminal."""

import re

# Control characters except tabs and line feeds, bidirectional marks, separators, surrogates.
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str, longest: int | None = None) -> str:
    r"""Escape (as `\x1b`) the characters that could control a terminal or reorder a line.

    A text of more than `longest` characters is cut and ends with an ellipsis.
    """
    if longest and len(text) > longest:
        text = text[: longest - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return UNSAFE.sub(lambda found: ascii(found.group())[1:-1], text)
