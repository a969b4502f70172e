"""The report: Markdown templates filled with the results."""

import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from spoilers.report.findings.cells import gru_against_lstm
from spoilers.report.findings.data import data_findings, data_note
from spoilers.report.findings.gates import gate_findings
from spoilers.report.findings.improvements import improvements
from spoilers.report.findings.leakage import leakage_findings
from spoilers.report.findings.models import chance_note, fit_note, verdict
from spoilers.report.findings.reliability import warnings
from spoilers.report.findings.sentences import PUBLISHED, published_note
from spoilers.report.findings.slices import slice_findings
from spoilers.report.findings.study import optimizer_discussion
from spoilers.report.names import NAMES

FINDINGS = (
    chance_note,
    data_findings,
    data_note,
    fit_note,
    gate_findings,
    gru_against_lstm,
    improvements,
    leakage_findings,
    optimizer_discussion,
    published_note,
    slice_findings,
    verdict,
    warnings,
)
ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=False,  # Markdown; the page made from it escapes
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
ENVIRONMENT.filters["literal"] = lambda text: literal(text)


def render_markdown(context: dict) -> str:
    """The report in Markdown; `context` is what `stages/report.py` reads."""
    words = {"names": NAMES, "published": PUBLISHED, **{finding.__name__: finding for finding in FINDINGS}}
    return ENVIRONMENT.get_template("report.md.jinja").render(**words, **context)


def literal(text: str) -> str:
    """Text of a review as Markdown that shows it as it is."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", text)
