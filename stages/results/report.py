"""The report: Markdown templates filled with the metrics."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from stages.results.findings.data import data_findings, data_note
from stages.results.findings.gates import gate_findings
from stages.results.findings.models import fit_note, verdict
from stages.results.findings.study import optimizer_discussion
from stages.results.names import NAMES

ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=False,  # Markdown; the page made from it escapes
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def render_markdown(context: dict) -> str:
    """The report in Markdown; `context` is what `stages/report.py` reads."""
    findings = (verdict, data_note, data_findings, fit_note, gate_findings, optimizer_discussion)
    functions = {f.__name__: f for f in findings}
    return ENVIRONMENT.get_template("report.md.jinja").render(names=NAMES, **functions, **context)
