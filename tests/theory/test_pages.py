"""The pages say what they should, and show the real functions."""

import inspect
import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from matplotlib.mathtext import MathTextParser

from spoilers.theory import cells, optimizers, render
from stages import theory as theory_pages
from tests import ROOT

pytestmark = pytest.mark.xdist_group("theory")  # the pages are made once

ASKED = {
    "gru": [
        "The problem: long dependencies",
        "Vanishing gradients, derived",
        "The LSTM cell: structure and diagram",
        "The GRU cell: structure and diagram",
        "The gates",
        "The update gate",
        "The reset gate",
        "The two forms of the reset gate",
        "Comparison",
        "Parameters: four to three",
        "Memory and arithmetic per step",
        "LSTM against GRU in one table",
        "Scenarios: when a GRU is more efficient",
        "Trade-offs: what is given up",
        "What experiments found",
        "What to expect here",
        "References",
    ],
    "optimizers": [
        *(
            f"{name}: {point}"
            for name in ("SGD", "Momentum", "RMSprop", "Adam")
            for point in (
                "purpose",
                "intuition",
                "update rule",
                "mechanism",
                "on a ravine, at a saddle, with sparse gradients, under noise",
                "advantages",
                "disadvantages",
                "settings in PyTorch",
            )
        ),
        "The four side by side",
        "Cost: state and time",
        "Recurrent nets",
        "Exploding gradients and clipping",
        "Rare words and embeddings",
        "Where the literature disagrees",
        "References",
    ],
}
SHOWN = {
    "gru": [
        cells.lstm_step,
        cells.lstm_step_backward,
        cells.gru_step,
        cells.gru_step_backward,
        cells.gru_before_step,
    ],
    "optimizers": [
        optimizers.sgd,
        optimizers.momentum,
        optimizers.rmsprop,
        optimizers.adam,
        optimizers.clip,
    ],
}


def run_stage(folder: Path) -> Path:
    """Run the stage in a folder that has only its inputs."""
    (folder / "data/splits").mkdir(parents=True)
    words = ["<pad>", "<unknown>", *(f"word{i}" for i in range(998))]
    (folder / "data/splits/vocabulary.txt").write_text("".join(word + "\n" for word in words))
    (folder / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        theory_pages.main()
    return folder / "reports"


@pytest.fixture(scope="module")
def reports(tmp_path_factory) -> Path:
    return run_stage(tmp_path_factory.mktemp("project"))


@pytest.fixture(params=render.PAGES)
def page(request, reports) -> tuple[str, str]:
    return request.param, (reports / f"theory/{request.param}.md").read_text(encoding="utf-8")


def without_code(text: str) -> str:
    return re.sub(r"```.*?```|`[^`\n]*`", "code", text, flags=re.S)


def formulas(text: str) -> list[str]:
    text = without_code(text)
    return re.findall(r"\$\$(.+?)\$\$", text, re.S) + re.findall(
        r"\$([^$\n]+)\$", re.sub(r"\$\$.+?\$\$", "", text, flags=re.S)
    )


def test_every_point_has_its_heading(page):
    name, text = page
    headings = re.findall(r"^#{2,3} (.+)$", without_code(text), re.M)
    assert not set(ASKED[name]) - set(headings)
    assert len(set(headings)) == len(headings)


def test_advantages_and_disadvantages_speak_of_convergence_stability_and_cost(reports):
    text = (reports / "theory/optimizers.md").read_text(encoding="utf-8")
    sections = re.findall(r"^### \w+: (?:dis)?advantages\n(.+?)(?=^##)", text, re.M | re.S)
    assert len(sections) == 8
    for section in sections:
        for point in ("*Convergence:*", "*Stability:*", "*Computational cost:*"):
            assert point in section


def test_every_figure_is_there_and_has_a_text(page, reports):
    _, text = page
    figures = re.findall(r"!\[(.*?)\]\((.+?)\)", text)
    assert figures
    for alternative, path in figures:
        assert len(alternative) > 100
        if path.startswith("../figures/"):  # drawn by the stage `plot`
            continue
        assert ElementTree.parse(reports / "theory" / path).getroot().tag.endswith("svg")


def test_every_figure_is_shown(reports):
    pages = "".join(path.read_text(encoding="utf-8") for path in (reports / "theory").glob("*.md"))
    for path in (reports / "theory").glob("*.svg"):
        assert f"({path.name})" in pages


def test_links_lead_somewhere(page, reports):
    _, text = page
    for target in re.findall(r"(?<!!)\[[^\]]*\]\(([^)]+)\)", without_code(text)):
        path, _, anchor = target.partition("#")
        if path in ("../report.md", "../appendix.md"):  # written by the stage `report`
            continue
        file = reports / "theory" / path if path else None
        headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8") if file else text, re.M)
        slugs = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
        assert not anchor or anchor in slugs


def test_functions_are_the_real_source(page):
    name, text = page
    for function in SHOWN[name]:
        assert f"```python\n{inspect.getsource(function)}```" in text
    assert text.count("```python") == len(SHOWN[name])


def test_formulas_are_well_formed(page):
    """Check that they parse, and contain nothing that Markdown would interpret first."""
    parser = MathTextParser("path")
    for formula in formulas(page[1]):
        assert not re.search(r"[^A-Za-z0-9]_|\\[^A-Za-z]|[*<>|]", formula), formula
        for ours, theirs in ((r"\lt", "<"), (r"\gt", ">"), (r"\lVert", r"\|"), (r"\rVert", r"\|")):
            formula = formula.replace(ours, theirs)  # which has another name in Matplotlib
        parser.parse(f"${formula}$")


def test_the_page_in_html_sets_its_formulas_and_loads_nothing(page, reports):
    name, text = page
    html = (reports / f"theory/{name}.html").read_text(encoding="utf-8")
    assert html.count("<math ") == len(formulas(text))
    assert "$" not in re.sub(r"<pre>.*?</pre>", "", html, flags=re.S)
    assert "\\" not in "".join(re.findall(r"<math .*?</math>", html, re.S))  # a command it did not know
    for source in re.findall(r'<(?:img|script|link|iframe)\b[^>]*?(?:src|href)="([^"]*)', html):
        assert source.startswith(("data:image/svg+xml;base64,", "../timings/", "../figures/"))
    ids = set(re.findall(r'<h\d id="([^"]*)"', html))
    for target in re.findall(r'<a href="([^"]*)"', html):
        assert not target.endswith(".md")
        assert not target.startswith("#") or target[1:] in ids


def test_dollars_stand_where_github_sees_them(page):
    text = re.sub(r"\$\$.+?\$\$", "", without_code(page[1]), flags=re.S)
    for line in text.splitlines():
        parts = line.split("$")
        assert len(parts) % 2 == 1, line
        for before, formula, after in zip(parts[0::2], parts[1::2], parts[2::2], strict=False):
            assert not before or before[-1] in " (*|", line
            assert not after or after[0] in " ,.;:)*|'-", line
            assert formula == formula.strip(), line


def test_no_value_is_missing(page):
    assert not re.search(r"\bnan\b|\binf\b|\{\{|\{%|Undefined", without_code(page[1]))


def test_cited_is_listed_and_listed_is_cited(page):
    body, references = page[1].split("## References")
    listed = re.findall(r"^- ([^,]+),.*?\((\d{4}\w?)\)", references, re.M)
    assert len(listed) >= 10
    for author, year in listed:
        assert re.search(rf"{author}(?: and \w+| et al\.)?,? \(?(?:\w+, )?{year}", body), (author, year)
    surnames = {author for author, _ in listed}
    for author in re.findall(r"(\w+)(?: and \w+| et al\.)?,? \(?(?:19|20)\d\d", without_code(body)):
        assert author in surnames or author.islower(), author


def test_numbers():
    assert [render.number(value) for value in (0, 500.0, 12345, 0.01234, 2.5e-12, -0.0781)] == [
        "0",
        "500",
        "12,300",
        "0.0123",
        "2.50 \N{MULTIPLICATION SIGN} 10⁻¹²",
        "\N{MINUS SIGN}0.0781",
    ]
    assert render.number(1.234e7, 2) == "1.2 \N{MULTIPLICATION SIGN} 10⁷"


def test_wall_clock_figures_are_in_the_timings_alone(reports):
    assert sorted(path.name for path in (reports / "timings").iterdir()) == ["step_time.svg", "theory.json"]
    times = json.loads((reports / "timings/theory.json").read_text())
    assert set(times) == {"optimizer_step_ms", "layer_us_per_token"}
    assert all(value > 0 for group in times.values() for value in group.values())
    for path in (reports / "theory").iterdir():
        assert b"<dc:date>" not in path.read_bytes()
