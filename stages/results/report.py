"""The report: Markdown templates filled with the metrics; the HTML page is made from the Markdown."""

import base64
import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt

from stages.results.findings.cells import gru_against_lstm
from stages.results.findings.data import data_note
from stages.results.findings.improvements import improvements
from stages.results.findings.leakage import leakage_findings
from stages.results.findings.models import chance_note, decision_note, fit_note, verdict
from stages.results.findings.reliability import warnings
from stages.results.findings.sentences import PUBLISHED, published_note
from stages.results.findings.slices import slice_findings
from stages.results.findings.study import optimizer_findings
from stages.results.names import NAMES

FINDINGS = (
    chance_note,
    data_note,
    decision_note,
    fit_note,
    gru_against_lstm,
    improvements,
    leakage_findings,
    optimizer_findings,
    published_note,
    slice_findings,
    verdict,
    warnings,
)
ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=lambda name: name is not None and name.endswith(".html.jinja"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
ENVIRONMENT.filters["literal"] = lambda text: literal(text)
LINKED = "timings/"  # pictures of wall-clock figures stay outside, so that the page repeats byte for byte


def render_markdown(context: dict) -> str:
    """The report in Markdown; `context` is what `stages/report.py` reads."""
    words = {"names": NAMES, "published": PUBLISHED, **{finding.__name__: finding for finding in FINDINGS}}
    return ENVIRONMENT.get_template("report.md.jinja").render(**words, **context)


def literal(text: str) -> str:
    """Text of a review as Markdown that shows it as it is."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", text)


def render_html(markdown: str, folder: Path) -> str:
    """The same report as one page: its pictures, relative to `folder`, inside it.

    HTML in the Markdown is text: markdown-it escapes it.
    """
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    body = re.sub(r'<img src="([^"]+)"', lambda match: f'<img src="{inline(match[1], folder)}"', body)
    body = body.replace("<table>", '<div class="table"><table>').replace("</table>", "</table></div>")
    return ENVIRONMENT.get_template("report.html.jinja").render(body=body)


def inline(source: str, folder: Path) -> str:
    if source.startswith(LINKED):
        return source
    return "data:image/svg+xml;base64," + base64.b64encode((folder / source).read_bytes()).decode()
