"""Computes the theory's figures and writes its pages: parameters and vocabulary -> reports/theory."""

from pathlib import Path

import matplotlib.style

from spoilers.core import params
from spoilers.core.allocator import keep_freed_memory
from spoilers.core.errors import run
from spoilers.core.files import write_json, write_text
from spoilers.report.page.page import render_html
from spoilers.report.style import STYLE
from spoilers.text.vocabulary import Vocabulary
from spoilers.theory import figures, formulas, render, timing, trials

PAGES, TIMINGS = Path("reports/theory"), Path("reports/timings")
LINKED = ("../figures/", "../timings/")  # pictures that other stages draw, or that change with the clock


def main() -> None:
    settings = params.load()
    words = len(Vocabulary.load("data/splits/vocabulary.txt"))
    curves = trials.gradient_curves(settings.model.embedding_size, settings.model.hidden_size)
    with matplotlib.style.context(STYLE):
        figures.draw(PAGES, curves)
    for name, text in render.pages(settings, words, curves).items():
        write_text(PAGES / f"{name}.md", text)
        text, set_aside = formulas.set_aside(text)
        write_text(PAGES / f"{name}.html", formulas.put_back(render_html(text, PAGES, LINKED), set_aside))

    keep_freed_memory()
    times = {
        "optimizer_step_ms": timing.optimizer_steps(settings, words),
        "layer_us_per_token": timing.cell_steps(settings),
    }
    write_json(TIMINGS / "theory.json", times)
    with matplotlib.style.context(STYLE):
        megabytes = render.state_megabytes(settings, words)
        figures.step_costs(TIMINGS / "step_time.svg", megabytes, *times.values())
    print(f"{PAGES}: {len(render.PAGES)} pages, {len(list(PAGES.glob('*.svg')))} figures")


if __name__ == "__main__":
    run(main)
