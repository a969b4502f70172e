"""Writes the report: reports/metrics, reports/figures -> reports/report.md, reports/report.html."""

from pathlib import Path

from stages import params
from stages.errors import run
from stages.files import read_json, write_text
from stages.results.report import render_html, render_markdown

METRICS = Path("reports/metrics")


def main() -> None:
    settings = params.load()
    metrics = {
        name: read_json(METRICS / f"{name}.json") for name in ("clean", "split", "evaluation", "comparison")
    }
    markdown = render_markdown(
        {
            "params": settings,
            "optimizer": getattr(settings.optimizers, settings.optimizer),
            "source": read_json("data/raw/source.json"),
            "trained": {cell: read_json(METRICS / f"{cell}.json") for cell in ("lstm", "gru")},
            "study": read_json(METRICS / "sweep.json"),
            **metrics,
        }
    )
    write_text("reports/report.md", markdown)
    write_text("reports/report.html", render_html(markdown, Path("reports")))
    print("reports/report.md, reports/report.html")


if __name__ == "__main__":
    run(main)
