"""Writes the report: reports/metrics, reports/figures -> reports/report.md, reports/report.html."""

from pathlib import Path

from stages import params
from stages.errors import run
from stages.files import read_json, write_text
from stages.presentation.page import render_html
from stages.results.report import render_markdown

METRICS = Path("reports/metrics")
MODELS = Path("data/models")
LINKED = ("timings/",)  # wall-clock figures stay outside, so that the page repeats byte for byte


def main() -> None:
    settings = params.load()
    split = read_json(METRICS / "split.json")
    models = ("lstm", "gru", "tfidf", "length", "majority")
    markdown = render_markdown(
        {
            "params": settings,
            "optimizer": getattr(settings.optimizers, settings.optimizer),
            "source": read_json("data/raw/source.json"),
            "trained": {
                cell: read_json(MODELS / cell / "model.json")["training"] for cell in ("lstm", "gru")
            },
            "clean": {row["count"]: row["reviews"] for row in read_json(METRICS / "clean.json")["counts"]},
            "data": read_json(METRICS / "data.json"),
            "split": {row["split"]: row for row in split["splits"]},
            "words": split["vocabulary"][0]["words"],
            "evaluation": {name: read_json(METRICS / f"{name}.json") for name in models},
            "comparison": read_json(METRICS / "comparison.json"),
            "gates": read_json(METRICS / "gates.json"),
            "study": read_json(METRICS / "sweep.json"),
        }
    )
    write_text("reports/report.md", markdown)
    write_text("reports/report.html", render_html(markdown, Path("reports"), LINKED))
    print("reports/report.md, reports/report.html")


if __name__ == "__main__":
    run(main)
