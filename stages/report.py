"""Writes the report: data/results, reports/figures -> reports/report.md, reports/report.html."""

from pathlib import Path

import pandas as pd

from spoilers.core import params
from spoilers.core.errors import run
from spoilers.core.files import read_json, write_text
from spoilers.report.findings.markdown import render_markdown
from spoilers.report.findings.models import losses_of_kept
from spoilers.report.findings.reproduction import settings_text, versions
from spoilers.report.page.page import render_html

RESULTS, CURVES, MODELS = Path("data/results"), Path("reports/curves"), Path("data/models")
LINKED = ("timings/",)  # wall-clock figures stay outside, so that the page repeats byte for byte


def main() -> None:
    settings = params.load()
    names = ("clean", "split", "data", "comparison", "gates", "leakage", "slices", "errors", "sweep")
    results = {name: read_json(RESULTS / f"{name}.json") for name in names}
    networks = results["comparison"]["networks"]
    markdown = render_markdown(
        {
            "params": settings,
            "optimizer": getattr(settings.optimizers, settings.optimizer),
            "source": read_json("data/raw/source.json"),
            "networks": networks,
            "trained": {cell: read_json(MODELS / cell / "model.json")["training"] for cell in networks},
            "losses": {cell: losses_of_kept(pd.read_csv(CURVES / f"{cell}.csv")) for cell in networks},
            **results,
            "slices": results["slices"]["slices"],
            "errors": results["errors"]["errors"],
            "study": results["sweep"],
            "settings": settings_text(settings),
            "versions": versions(),
        }
    )
    write_text("reports/report.md", markdown)
    write_text("reports/report.html", render_html(markdown, Path("reports"), LINKED))
    print("reports/report.md, reports/report.html")


if __name__ == "__main__":
    run(main)
