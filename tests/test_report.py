"""The report's sentences are chosen by rules; each branch is tried."""

import pytest

from stages.presentation.page import render_html
from stages.results.findings.data import data_note
from stages.results.findings.models import fit_note, verdict
from stages.results.findings.study import optimizer_findings


def pair(middle: float, low: float, high: float) -> dict:
    return {"first": "gru", "second": "lstm", "average_precision": middle, "low": low, "high": high}


@pytest.mark.parametrize(
    ("difference", "words"),
    [
        (pair(0.05, 0.01, 0.09), "The GRU ranks better than the LSTM"),
        (pair(-0.05, -0.09, -0.01), "The GRU ranks worse than the LSTM"),
        (pair(0.05, -0.01, 0.09), "No difference between the GRU and the LSTM is shown"),
        (pair(0.0, 0.0, 0.0), "No difference between the GRU and the LSTM is shown"),
    ],
)
def test_verdict(difference: dict, words: str) -> None:
    assert verdict(difference).startswith(words)


def test_the_sample_is_never_taken_for_goodreads() -> None:
    assert "say nothing about Goodreads" in data_note("sample")
    assert "Wan et al." in data_note("goodreads")
    assert "`my/reviews.gz`" in data_note("my/reviews.gz")


def test_fit_note() -> None:
    assert "ended at epoch 6" in fit_note({"best_epoch": 3.0, "epochs": 6.0})
    assert "more epochs may help" in fit_note({"best_epoch": 6.0, "epochs": 6.0})


def entry(name: str, precision: float, **more) -> dict:
    found = {"optimizer": name, "validation_average_precision": precision, "diverged": 0}
    return {**found, "learning_rate": 0.1, "at_edge_of_grid": 0, **more}


def findings(best: list[dict], shared: list[dict], diverged: int = 0) -> str:
    study = {"study": [{"goal": 0.5, "diverged_cells": diverged}], "best": best, "shared": shared}
    return " ".join(optimizer_findings(study))


def test_optimizer_findings() -> None:
    adam, sgd = entry("adam", 0.6, epochs_to_convergence=2.0), entry("sgd", 0.4)
    text = findings([sgd, adam], [sgd, adam])
    assert "first Adam (0.600 at 0.1), then SGD" in text
    assert "Adam is ahead: the same winner" in text
    assert "Adam converges first, after 2 epochs" in text
    assert "Not every seed converged within the study's epochs with SGD." in text
    assert "edge" not in text
    assert "diverged" not in text

    ahead = findings([sgd, adam], [{**sgd, "validation_average_precision": 0.7}, adam])
    assert "SGD is ahead: another winner" in ahead
    assert "The best rate of SGD is at the grid's edge" in findings(
        [{**sgd, "at_edge_of_grid": 1}, adam], [adam]
    )
    assert "3 cells of the grid diverged" in findings([adam], [adam], diverged=3)
    lost = {"optimizer": "adam", "diverged": 1}
    assert "is ahead" not in findings([adam], [lost])
    assert findings([], [lost]) == "Every run of the study diverged."


def test_html_in_the_text_is_harmless(tmp_path) -> None:
    page = render_html("# A\n\n<script>alert(1)</script> *b*\n\n| a |\n|---|\n| <b>c</b> |\n", tmp_path)
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "<em>b</em>" in page
    assert "&lt;b&gt;c&lt;/b&gt;" in page


def test_contents(tmp_path) -> None:
    page = render_html("# A <b> & c\n\n## The *first*\n\ntext\n\n## Second & last\n", tmp_path)
    assert "<title>A &lt;b&gt; &amp; c</title>" in page
    assert '<li><a href="#the-first">The <em>first</em></a></li>' in page
    assert '<h2 id="second--last">Second &amp; last</h2>' in page


def test_pictures_are_in_the_page_but_for_wall_clock_times(tmp_path) -> None:
    (tmp_path / "a.svg").write_text("<svg/>")
    page = render_html("# A\n\n![first](a.svg) ![second](timings/b.svg)", tmp_path, ("timings/",))
    assert 'src="data:image/svg+xml;base64,PHN2Zy8+"' in page
    assert 'src="timings/b.svg"' in page


def test_pages_link_to_pages_and_to_headings(tmp_path) -> None:
    text = "# The gates: two\n\n[a](theory/gru.md#the-gates) [b](https://example.org/c.md) [d](e.md)\n"
    page = render_html(text, tmp_path)
    assert '<h1 id="the-gates-two">' in page
    assert "<title>The gates: two</title>" in page
    assert 'href="theory/gru.html#the-gates"' in page
    assert 'href="https://example.org/c.md"' in page
    assert 'href="e.html"' in page
