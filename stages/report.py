"""Writes the report, its appendix and the page of times: data/results, reports/figures -> reports."""

from pathlib import Path

from spoilers.core import params
from spoilers.core.errors import run
from spoilers.core.files import read_json, write_text
from spoilers.report.findings.markdown import render_markdown
from spoilers.report.findings.versions import versions
from spoilers.report.page.page import render_html

REPORTS, RESULTS, TIMINGS = Path("reports"), Path("data/results"), Path("reports/timings")
NAMES = ("clean", "split", "data", "comparison", "gates", "leakage", "ablation")
LINKED = ("timings/",)  # wall-clock figures stay outside, so that the page repeats byte for byte


def main() -> None:
    settings = params.load()
    results = {name: read_json(RESULTS / f"{name}.json") for name in NAMES}
    networks = results["comparison"]["networks"]
    context = {
        **results,
        "params": settings,
        "rate": getattr(settings.optimizers, settings.optimizer).learning_rate,
        "source": read_json("data/raw/source.json"),
        "trained": {cell: read_json(f"data/models/{cell}/model.json")["training"] for cell in networks},
        "slices": read_json(RESULTS / "slices.json")["slices"],
        "errors": read_json(RESULTS / "errors.json")["errors"],
        "study": read_json(RESULTS / "sweep.json"),
        "versions": versions(),
    }
    write(REPORTS / "report", "report.md.jinja", context)
    write(REPORTS / "appendix", "appendix.md.jinja", context)
    times = {name: read_json(TIMINGS / f"{name}.json") for name in ("inference", "sweep", "ablation")}
    times["trainings"] = {name: read_json(TIMINGS / f"{name}.json") for name in (*networks, "tfidf")}
    write(TIMINGS / "times", "times.md.jinja", times)


def write(path: Path, template: str, context: dict) -> None:
    """Write a page as Markdown and as HTML."""
    markdown = render_markdown(template, context)
    write_text(path.with_suffix(".md"), markdown)
    write_text(path.with_suffix(".html"), render_html(markdown, path.parent, LINKED))
    print(path.with_suffix(".html"))


if __name__ == "__main__":
    run(main)
