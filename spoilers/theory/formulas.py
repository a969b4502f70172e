"""Turn the pages' formulas into MathML, which browsers typeset without a library."""

import re

from latex2mathml.converter import convert

CODE_OR_FORMULA = re.compile(r"```.*?```|`[^`\n]*`|\$\$(?P<block>.+?)\$\$|\$(?P<inline>[^$\n]+)\$", re.DOTALL)
MARK = re.compile("\ue000(\\d+)\ue001")  # two characters that no text uses


def set_aside(markdown: str) -> tuple[str, list[str]]:
    """Replace formulas with marks that Markdown ignores; return the text and the formulas as MathML."""
    formulas = []

    def mark(match: re.Match) -> str:
        kind = match.lastgroup
        if kind is None:  # code
            return match[0]
        formulas.append(convert(match[kind], display=kind))
        return f"\ue000{len(formulas) - 1}\ue001"

    return CODE_OR_FORMULA.sub(mark, markdown), formulas


def put_back(html: str, formulas: list[str]) -> str:
    """Replace each mark by its formula."""
    return MARK.sub(lambda match: formulas[int(match[1])], html)
