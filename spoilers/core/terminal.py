"""Text from outside on its way to a terminal."""

import re

# Control characters but tabs and line feeds, marks that reorder a line, separators, halves of characters.
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str, longest: int | None = None) -> str:
    r"""Return the text with escapes (`\x1b`) for what could give orders to a terminal or reorder a line.

    A text of more than `longest` characters is cut, and ends with an ellipsis.
    """
    if longest and len(text) > longest:
        text = text[: longest - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return UNSAFE.sub(lambda found: ascii(found.group())[1:-1], text)
