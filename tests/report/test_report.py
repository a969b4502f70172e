"""The report's sentences are chosen by rules; each branch is tried."""

import re

import pytest

from spoilers.core import params
from spoilers.report.findings import markdown as report
from spoilers.report.findings.data import data_note
from spoilers.report.findings.models import fit_note, verdict
from spoilers.report.findings.study import optimizer_discussion
from spoilers.report.names import LAYERS, NAMES
from spoilers.report.page.page import render_html


def pair(middle: float, low: float, high: float) -> dict:
    shown = {"shown": int(low > 0 or high < 0), "detectable": 0.127}
    found = {"first": "gru", "second": "lstm", "average_precision": middle, "low": low, "high": high}
    return found | shown


@pytest.mark.parametrize(
    ("difference", "words"),
    [
        (pair(0.05, 0.01, 0.09), "The GRU ranks better than the LSTM"),
        (pair(-0.05, -0.09, -0.01), "The GRU ranks worse than the LSTM"),
        (pair(0.05, -0.01, 0.09), "No difference between the GRU and the LSTM is shown"),
        (pair(0.05, 0.01, 0.09) | {"shown": 0}, "No difference between the GRU and the LSTM is shown"),
        (pair(0.0, 0.0, 0.0), "No difference between the GRU and the LSTM is shown"),
    ],
)
def test_verdict(difference: dict, words: str) -> None:
    assert verdict(difference).startswith(words)
    assert ("one of 0.127 would have been shown" in verdict(difference)) == words.startswith("No")


def test_the_sample_is_never_taken_for_goodreads() -> None:
    assert "say nothing about Goodreads" in data_note("sample")
    assert "Wan et al." in data_note("goodreads")
    assert "`my/reviews.gz`" in data_note("my/reviews.gz")


def test_fit_note() -> None:
    assert "ended at epoch 6" in fit_note({"best_epoch": 3.0, "epochs": 6.0})
    assert "more epochs may help" in fit_note({"best_epoch": 6.0, "epochs": 6.0})


def entry(name: str, precision: float, **more) -> dict:
    """One optimizer at its best rate, as in data/results/sweep.json."""
    scores = {f"{kind}_average_precision": precision for kind in ("validation", "test")}
    spread = {"validation_average_precision_sd": 0.01, "test_average_precision_sd": 0.01}
    steps = {f"{kind}_{part}": 0.5 for kind in ("effective_step", "update_ratio") for part in LAYERS}
    more = {"rates_that_work": 1, "rates_diverged": 0, "range_over_rates": 0.3, "train_loss": 0.5, **more}
    losses = {"validation_loss": 0.6, "validation_loss_rose": 0.25, "accuracy": 0.7, "f1": 0.5}
    norms = {"gradient_norm": 1.0, "gradient_norm_sd": 0.1, "clipped": 0.1, "test_roc_auc": 0.7}
    found = {
        "optimizer": name,
        "learning_rate": 0.1,
        "at_edge_of_grid": 0,
        "diverged": 0,
        "seeds_converged": 0,
        "reviews_seen": 6000,
    }
    return found | scores | spread | steps | losses | norms | {"state_bytes_per_parameter": 4.0} | more


def gap(first: str, second: str, shown: int) -> dict:
    found = {"first": first, "second": second, "average_precision": 0.2, "low": 0.1, "high": 0.3}
    return {**found, "confidence": 0.95, "shown": shown}


LOST = {"optimizer": "adam", "learning_rate": 0.01, "diverged": 1}
SGD, MOMENTUM, ADAM = entry("sgd", 0.4), entry("momentum", 0.45), entry("adam", 0.6)


def summary(best: list[dict], shared: list[dict] | None = None, *gaps: dict, **more) -> dict:
    """As in data/results/sweep.json."""
    about = {"prevalence": 0.2, "goal": 0.5, "works": 0.4, "rates": 6, "cells": 12, "diverged_cells": 0}
    about |= {"test_books": 17, **more}
    return {"study": about, "best": best, "shared": shared or best, "differences": list(gaps)}


def discuss(
    best: list[dict], shared: list[dict] | None = None, *gaps: dict, seeds: int = 2, **more
) -> dict[str, str]:
    """The discussion, each topic as one text."""
    discussion = optimizer_discussion(summary(best, shared, *gaps, **more), seeds)
    return {topic: " ".join(sentences) for topic, sentences in discussion.items()}


def test_the_answer() -> None:
    text = discuss([SGD, ADAM])["The answer"]
    assert "first Adam (0.600 at 0.1), then SGD (0.400 at 0.1)" in text
    assert "Adam is ahead (0.600): the same winner" in text
    assert "SGD is ahead (0.700): another winner" in discuss([SGD, ADAM], [entry("sgd", 0.7)])["The answer"]
    assert "every optimizer diverged" in discuss([SGD], [LOST])["The answer"]
    assert discuss([], [LOST]) == {"The answer": "Every run of the study diverged: lower the learning rates."}


def test_convergence_speed() -> None:
    def text(*best: dict) -> str:
        return discuss(list(best))["Convergence speed"]

    fast = {**ADAM, "epochs_to_convergence": 2.0}
    assert "Epochs that took, each at its best rate: Adam 2." in text(SGD, fast)
    assert "never: SGD." in text(SGD, fast)
    assert "never" not in text(fast)
    assert "Epochs" not in text(SGD)
    assert "furthest with Adam, to 0.100: adaptive methods lead early, as in Wilson" in text(
        SGD, {**ADAM, "train_loss": 0.1}
    )
    assert "furthest with SGD, to 0.100: unlike in Wilson" in text({**SGD, "train_loss": 0.1}, ADAM)
    assert "Wilson" not in text(SGD, MOMENTUM)


def test_final_accuracy() -> None:
    def text(*gaps: dict, best: tuple = (SGD, MOMENTUM, ADAM), seeds: int = 2) -> str:
        return discuss(list(best), None, *gaps, seeds=seeds)["Final accuracy"]

    assert "Adam 0.600, SGD with momentum 0.450 and SGD 0.400" in text()
    assert "no difference is shown by the 17 test books" in text(gap("adam", "sgd", 0))
    assert "Adam over SGD (+0.200, interval +0.100 to +0.300)" in text(gap("adam", "sgd", 1))
    assert "against Wilson et al. (2017)" in text(gap("adam", "sgd", 1))
    assert "was tuned, though no plain method had converged" in text(gap("adam", "sgd", 1))
    assert "was tuned. " in text(gap("adam", "sgd", 1), best=({**SGD, "epochs_to_convergence": 1.0}, ADAM))
    assert "with Wilson et al. (2017), and against Choi" in text(gap("sgd", "adam", 1))
    assert "each describe a part" in text(gap("adam", "sgd", 1), gap("momentum", "adam", 1))
    assert "Neither kind" in text(gap("adam", "sgd", 0))
    assert "Neither kind" in text(gap("momentum", "sgd", 1))
    assert "Wilson" not in text(best=(SGD, MOMENTUM))
    assert "as in Schmidt et al. (2021), none dominates" in text(gap("adam", "sgd", 1))
    assert "is shown ahead of all others" in text(gap("adam", "sgd", 1), gap("adam", "momentum", 1))
    assert "differ by 0.150, more than the seeds" in text()
    assert "no more than the seeds" in text(best=(SGD, {**ADAM, "test_average_precision_sd": 0.9}))
    assert "0.4 to 31.9 times" in text()
    assert "There is one seed" in text(seeds=1)
    assert "Schmidt" not in text(best=(ADAM,))


def test_efficiency() -> None:
    text = discuss([{**SGD, "state_bytes_per_parameter": 0.0}, ADAM])["Efficiency"]
    assert "SGD 0 and Adam 4" in text
    assert "does as well as tuning one, as in Schmidt" in text
    worse = discuss([SGD, ADAM], [entry("sgd", 0.3)])["Efficiency"]
    assert "does worse than tuning one, unlike in Schmidt" in worse
    assert "Schmidt" not in discuss([SGD, ADAM], [LOST])["Efficiency"]
    assert "Schmidt" not in discuss([SGD])["Efficiency"]


def test_stability() -> None:
    def text(*best: dict, **about) -> str:
        return discuss(list(best), [*best, {**LOST, "optimizer": "rmsprop"}], **about)["Stability"]

    assert "No cell diverged." in text(SGD, ADAM)
    lost = text(SGD, {**ADAM, "rates_diverged": 2}, diverged_cells=5)
    assert "5 of 12 cells diverged: Adam 2 and RMSprop all." in lost
    assert "rate matters more than the optimizer, as in Greff" in text(SGD, ADAM)
    narrow = ({**SGD, "range_over_rates": 0.1}, {**ADAM, "range_over_rates": 0.1})
    assert "rate matters less than the optimizer, unlike in Greff" in text(*narrow)
    assert "works at fewer rates than the most tolerant" in text(SGD, {**ADAM, "rates_that_work": 3})
    assert "works at as many rates as any other: unlike" in text(SGD, ADAM)
    assert "Reimers" not in text(MOMENTUM, ADAM)
    assert "Greff" not in text(SGD)
    assert "rose: SGD 25% and Adam 25%; of steps that were clipped: SGD 10% and Adam 10%" in text(SGD, ADAM)


def test_learning_rate_adjustment() -> None:
    def text(*best: dict) -> str:
        return discuss(list(best))["Learning-rate adjustment"]

    assert "SGD moves all layers by about the same multiple of their gradient, 0.5 at the rate 0.1" in text(
        SGD
    )
    lifted = text({**ADAM, "effective_step_embedding": 112.0})
    assert (
        "moves the embedding weights by 110 times their gradient and the recurrent weights by 0.5" in lifted
    )
    assert "a factor of 220 between layers" in lifted
    assert "SGD 50 % and Adam 50 %" in text(SGD, ADAM)
    assert "differ by a factor of 100: one rate for all compares rates" in text(
        SGD, {**ADAM, "learning_rate": 0.001}
    )
    assert "All have the same best rate" in text(SGD, ADAM)
    assert "At the grid's edge is the best rate of SGD:" in text({**SGD, "at_edge_of_grid": 1}, ADAM)
    assert "edge" not in text(SGD, ADAM)


def test_trade_offs() -> None:
    best = [{**SGD, "state_bytes_per_parameter": 0.0}, {**MOMENTUM, "rates_that_work": 4}, ADAM]

    def text(*gaps: dict) -> str:
        return discuss(best, None, *gaps)["Trade-offs"]

    assert "from the first, Adam: SGD and SGD with momentum." in text()
    assert "(0 bytes per weight) is kept by SGD; the most rates (4) work with SGD with momentum." in text()
    some = text(gap("adam", "sgd", 1))
    assert "from the first, Adam: SGD with momentum." in some
    assert "(4 bytes per weight) is kept by SGD with momentum and Adam" in some
    alone = text(gap("adam", "sgd", 1), gap("adam", "momentum", 1))
    assert "Adam is the choice" in alone
    assert "4 bytes of state per weight and works at 1 of the rates" in alone


def section(*study) -> str:
    template = report.ENVIRONMENT.get_template("optimizers.md.jinja")
    functions = {"optimizer_discussion": optimizer_discussion}
    few = {"train": {"reviews": 900}}
    return template.render(names=NAMES, params=params.load(), split=few, study=summary(*study), **functions)


def test_the_section_of_the_optimizers() -> None:
    done = {**ADAM, "epochs_to_convergence": 2.0, "seeds_converged": 2, "at_edge_of_grid": 1}
    text = section([{**SGD, "seeds_converged": 1}, done], [LOST, SGD], gap("adam", "sgd", 1))
    assert "trained on 900 reviews" in text
    assert "| Adam | diverged | | | | | | | |" in text
    assert "| Adam | 0.1 (edge of the grid) | 0.600 \N{PLUS-MINUS SIGN} 0.010 |" in text
    assert "| never (1 seed did) |" in text
    assert "| Adam | SGD | +0.200 | +0.100 to +0.300 | 95.0 % | yes |" in text
    for row in re.findall(r"^\|.*(?:\n\|.*)*", text, re.MULTILINE):
        assert len({line.count("|") for line in row.splitlines()}) == 1, row

    assert "| first | second |" not in section([SGD])
    lost = section([], [LOST])
    assert "Every run of the study diverged" in lost
    assert "| Adam | diverged |" in lost


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
