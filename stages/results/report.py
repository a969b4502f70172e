"""The report: Markdown templates filled with the metrics; the HTML page is made from the Markdown."""

import base64
import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt

from stages.results.findings.data import data_note
from stages.results.findings.models import fit_note, verdict
from stages.results.findings.study import optimizer_discussion
from stages.results.names import NAMES

ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=lambda name: name is not None and name.endswith(".html.jinja"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
LINKED = "timings/"  # pictures of wall-clock figures stay outside, so that the page repeats byte for byte


def render_markdown(context: dict) -> str:
    """The report in Markdown; `context` is what `stages/report.py` reads."""
    functions = {f.__name__: f for f in (verdict, data_note, fit_note, optimizer_discussion)}
    return ENVIRONMENT.get_template("report.md.jinja").render(names=NAMES, **functions, **context)


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
