"""The pages say what the results say, whatever they are: numbers, claims, links and figures."""

import re
from collections.abc import Callable
from copy import deepcopy
from itertools import pairwise

import pytest
from jinja2 import StrictUndefined, UndefinedError

from spoilers.report.findings import facts
from spoilers.report.findings.claims import Claim
from spoilers.report.findings.markdown import ENVIRONMENT, render_markdown, signed
from spoilers.report.names import NAMES
from spoilers.report.page.page import anchor
from spoilers.text.vocabulary import SPECIAL
from tests import ROOT
from tests.report.results import pair, results, times

TEMPLATES = ROOT / "spoilers/report/findings/templates"


def report(found: dict) -> str:
    return render_markdown("report.md.jinja", found)


def both(found: dict) -> str:
    return report(found) + render_markdown("appendix.md.jinja", found)


# Altered results, each with sentences that would be false of them.


def unchanged(_: dict) -> None:
    """Leave everything as it is: no difference between LSTM and GRU is shown."""


def winner(name: str) -> Callable[[dict], None]:
    def change(found: dict) -> None:
        comparison = found["comparison"]
        value = 0.1 if name == "lstm" else -0.1
        for cell, other in (("lstm", "gru"), ("gru", "lstm")):
            comparison["models"][cell]["average_precision"] = 0.7 if cell == name else 0.6
            for one in comparison["trainings"][cell]:
                one["average_precision"] = 0.7 if cell == name else 0.6
            assert other != cell
        comparison["pairs"][0] |= {"average_precision": value, "low": value - 0.02, "high": value + 0.02}
        comparison["pairs"][0]["shown"] = 1

    return change


def networks_beat_tfidf(found: dict) -> None:
    for row in found["comparison"]["pairs"]:
        if row["second"].startswith("tfidf"):
            row |= {"low": 0.01, "shown": 1}


def one_network_beats_tfidf(found: dict) -> None:
    for row in found["comparison"]["pairs"]:
        if (row["first"], row["second"]) == ("gru", "tfidf"):
            row |= {"low": 0.01, "shown": 1}


def tfidf_beats_the_gru(found: dict) -> None:
    for row in found["comparison"]["pairs"]:
        if (row["first"], row["second"]) == ("gru", "tfidf"):
            row |= {"average_precision": -0.13, "low": -0.22, "high": -0.01, "shown": 1}
        if row["second"] == "length" and row["first"] != "lstm":
            row["shown"] = 0


def all_diverged(found: dict) -> None:
    study = found["study"]
    lost = {"learning_rate": 0.01, "diverged": 1}
    study["shared"] = [{"optimizer": row["optimizer"], **lost} for row in study["shared"]]
    study["best"], study["differences"] = [], []


def one_optimizer(found: dict) -> None:
    study = found["study"]
    study["shared"], study["best"], study["differences"] = study["shared"][:1], study["best"][:1], []


def slow_optimizers(found: dict) -> None:
    study = found["study"]
    for row in study["best"]:
        row |= {"epochs_to": dict.fromkeys(("50", "80", "95")), "learning_rate": 0.01, "rates_that_work": 0}
        row |= {"effective_step_embedding": 1.0, "effective_step_output": 1.0}
    for row in study["differences"]:
        row["shown"] = 0


def plain_optimizer_ahead(found: dict) -> None:
    study = found["study"]
    study["best"][0] |= {"test_average_precision": 0.9, "rates_that_work": 0}
    study["differences"][0] |= {"first": "sgd", "second": "adam"}


def no_sentence_labels(found: dict) -> None:
    found["comparison"]["sentences"] = {}
    found["data"]["place"] = None
    found["errors"] = [
        error | {"sentences": [s | {"flagged": 0} for s in error["sentences"]]} for error in found["errors"]
    ]
    del found["comparison"]["models"]["tfidf_sentences"]
    rows = found["comparison"]["pairs"]
    found["comparison"]["pairs"] = [row for row in rows if row["second"] != "tfidf_sentences"]


def real_source(found: dict) -> None:
    found["source"] = {"source": "goodreads"}
    for part in [found["gates"]["sentences"], *(error["sentences"] for error in found["errors"])]:
        for sentence in part:
            del sentence["text"]
    del found["gates"]["tokens"][0]["word"]


def other_file(found: dict) -> None:
    real_source(found)
    found["source"] = {"source": "my/reviews.gz"}


def one_seed(found: dict) -> None:
    for cell in ("lstm", "gru"):
        found["comparison"]["trainings"][cell] = found["comparison"]["trainings"][cell][:1]
        found["comparison"]["models"][cell]["sd_over_seeds"] = 0.0


def vectors(found: dict) -> None:
    settings = found["params"]
    model = settings.model.model_copy(update={"vectors": "vectors.txt"})
    found["params"] = settings.model_copy(update={"model": model})


def no_gap(found: dict) -> None:
    """Bring the loss on training close to that on validation."""
    for cell in ("lstm", "gru"):
        found["trained"][cell] = found["trained"][cell] | {"train_loss": 0.55}


def opposite(found: dict) -> None:
    """Reverse the findings on data, training and tuning."""
    found["data"]["classes"]["spoiler"]["reviews"] = 9999
    found["data"]["place"]["mean"] = 0.3
    found["data"]["ratings"][0]["shown"] = found["data"]["years"][1]["shown"] = 1
    for row in found["data"]["lengths"]:
        row["median"] = 100
    no_gap(found)
    for cell in ("lstm", "gru"):
        found["comparison"]["models"][cell] |= {"calibration_error": 0.2, "low": 0.1}
        found["comparison"]["cost"][cell] |= {"embedding_parameters": 10}
        found["ablation"]["mean_of_seeds"][cell] = found["ablation"]["mean_of_seeds"][cell] | {
            "difference": -0.1
        }
    for row in found["ablation"]["changes"][1:]:
        row |= {"difference": 0.01, "difference_lowest": 0.005, "difference_highest": 0.02}
    found["split"]["test"] = found["split"]["test"] | {"unknown_tokens": 0.0005, "books_seen_in_training": 5}
    found["leakage"]["splits"]["random"] |= {"low": 0.4}
    found["leakage"]["warnings"] = found["leakage"]["warnings"] | {"lost_low": -0.01}
    found["comparison"]["test"]["books"] = 100
    settings = found["params"]
    found["params"] = settings.model_copy(
        update={
            "split": settings.split.model_copy(update={"by": "user"}),
            "model": settings.model.model_copy(update={"pooling": "last", "bidirectional": False}),
            "sweep": settings.sweep.model_copy(update={"reviews": 10**6}),
        }
    )


def little_to_tell(found: dict) -> None:
    no_gap(found)
    found["ablation"]["changes"] = found["ablation"]["changes"][:1]
    found["leakage"] = {"splits": {}, "word": None, "warnings": None, "copies": None}
    found["errors"], found["slices"] = [], []
    found["data"] |= {"ratings": [], "years": [], "words": []}


# Each has sentences that must be there, and sentences that must not.
ALTERED = {
    unchanged: (
        [
            "Neither wins",
            "Between LSTM and GRU no difference is shown",
            "no difference shown |",
            "No difference between it and either network is shown",
            "say nothing about scores on Goodreads",
        ],
        ["is better:", "ranks better", "beat TF-IDF"],
    ),
    winner("lstm"): (
        ["The LSTM is better", "the LSTM is better |", "The LSTM ranks better than the GRU"],
        ["Neither wins", "no difference", "GRU is better", "GRU ranks better"],
    ),
    winner("gru"): (
        ["The GRU is better", "the GRU is better |", "The GRU ranks better than the LSTM"],
        ["Neither wins", "no difference", "LSTM is better", "LSTM ranks better"],
    ),
    networks_beat_tfidf: (
        ["Yes: both beat TF-IDF", "The networks also beat TF-IDF trained on sentences"],
        ["No difference between it and either network is shown"],
    ),
    one_network_beats_tfidf: (["The GRU is shown to beat it, the LSTM is not"], ["both beat TF-IDF"]),
    tfidf_beats_the_gru: (
        ["Not here: TF-IDF", "is shown to beat the GRU.", "the GRU is not shown to be better than that"],
        ["No difference between it", "Yes: both beat", "so they have learned from words"],
    ),
    all_diverged: (["every training diverged", "0 of the 4 optimizers finished"], ["scores highest on"]),
    one_optimizer: (
        ["1 of the 4 optimizers finished"],
        ["scores highest on the test reviews (", "differ by a factor of 330"],
    ),
    slow_optimizers: (
        ["passed for good by 0 of 4", "No optimizer stayed above 95%", "No difference between optimizers"],
        ["every optimizer gets at least half", "Adam does not:"],
    ),
    plain_optimizer_ahead: (
        ["SGD over Adam", "Highest score on test: SGD"],
        ["the adaptive ones are ahead", "so it is the choice"],
    ),
    no_sentence_labels: (
        ["No sentence that the network reads is flagged."],
        ["A review as the LSTM reads it", "Spoilers come late", "Sentence by sentence"],
    ),
    real_source: (
        ["Goodreads reviews of Wan et al."],
        ["embedded sample", "alas", "has not been run on it here"],
    ),
    other_file: (["`my/reviews.gz`"], ["embedded sample", "alas", "Wan et al. (2019).\n\n## Summary"]),
    one_seed: (
        ["was trained once and scored", "the chance of a single training"],
        ["overlap", "choice of test books and of seeds, and"],
    ),
    vectors: (["more labelled reviews promise most"], ["word vectors trained on other text"]),
    no_gap: (
        ["was no better in the table above"],
        ["overfit", "It is the next thing to try", "promise most"],
    ),
    opposite: (
        [
            "are split by user",
            "differ from the rest at these ratings and years: no rating and 2013",
            "The last state describes the review",
            "Better than the default with every seed",
            "It is the next thing to try.",
        ],
        ["come late", "overfit", "No change beat", "that is not seen", "Only 70%", "New books bring"],
    ),
    little_to_tell: (
        ["The networks make none.", "It is the next thing to try."],
        ["because it has read other reviews"],
    ),
}


def altered(change: Callable[[dict], None]) -> dict:
    found = deepcopy(results())
    change(found)
    return found


@pytest.mark.parametrize("change", ALTERED, ids=lambda change: change.__qualname__.split(".")[0])
def test_no_sentence_is_false(change) -> None:
    text = both(altered(change))
    there, absent = ALTERED[change]
    assert [words for words in there if words not in text] == []
    assert [words for words in absent if words in text] == []
    assert not re.search(r"None|nan|Undefined|\{\{|\{%", text)
    for row in re.findall(r"^\|.*(?:\n\|.*)*", text, re.MULTILINE):
        assert len({line.count("|") for line in row.splitlines()}) == 1, row


def test_every_claim_has_been_true_and_false(monkeypatch) -> None:
    seen: dict[str, set[bool]] = {}

    def decide(self: Claim, condition: bool, place: str) -> bool:
        seen.setdefault(place, set()).add(condition)
        return condition

    monkeypatch.setattr(Claim, "decide", decide)
    for change in ALTERED:
        both(altered(change))
    assert {place for place, values in seen.items() if len(values) < 2} == set()
    written = sum((TEMPLATES / name).read_text().count("{% claim ") for name in ENVIRONMENT.list_templates())
    assert len(seen) == written


def test_claims() -> None:
    def render(condition: str, **context: object) -> str:
        template = "{% claim " + condition + " %}true{% otherwise %}plain{% endclaim %}"
        return ENVIRONMENT.from_string(template).render(context)

    assert render("x > 1", x=2) == "true"
    assert render("x > 1", x=1) == "plain"
    with pytest.raises(TypeError, match="must be True or False, not 3"):
        render("x", x=3)
    with pytest.raises((UndefinedError, TypeError)):
        render("x")
    assert ENVIRONMENT.undefined is StrictUndefined


# Numbers.

# Numbers that templates may hold: names, years of papers, what words mean, and how numbers are written.
ALLOWED = re.compile(
    r"\{[{%#].*?[}%]\}"  # what comes from the results
    r"|\(#?[^)\s]*\.?(?:md|svg|jinja)?(?:#[^)\s]*)?\)"  # addresses
    r"|\b(?:19|20)\d\d\b|\d+\(\d+\)|F1"  # years and volumes of papers, a score's name
    r"|section 1\b|in 3\.2|[1-4][AB]\b|\b[1-4](?:\.\d|[AB])?(?=[.\s\]]| and)"  # headings
    r"|(?:50, 80 (?:or|and) )?(?:50|80|95)%|50 / 80 / 95%|(?:50|80)%?, |40 tokens|5% (?:below|above)"
    r"|\bat 0\.5\b|\b0\.[19] \||ranking of the reviews has 1",  # thresholds, ends of scales
    re.DOTALL,
)


@pytest.mark.parametrize("name", ENVIRONMENT.list_templates())
def test_no_number_is_written_by_hand(name) -> None:
    left = ALLOWED.sub("", (TEMPLATES / name).read_text())
    assert re.findall(r".*\d.*", left) == []


def cells(text: str, first: str) -> list[list[str]]:
    """Return the cells of table rows that begin with `first`."""
    rows = re.findall(rf"^\| {re.escape(first)} \|.*", text, re.MULTILINE)
    return [[cell.strip() for cell in row.split("|")[2:-1]] for row in rows]


def test_the_tables_have_the_results_numbers() -> None:
    found = results()
    text = report(found)
    for model, s in found["comparison"]["models"].items():
        sd = f" ± {s['sd_over_seeds']:.3f}" if s["sd_over_seeds"] else ""
        assert cells(text, NAMES[model])[1 if model in ("lstm", "gru") else 0] == [
            f"{s['average_precision']:.3f}{sd}",
            f"{s['low']:.3f} to {s['high']:.3f}",
            *(f"{s[key]:.3f}" for key in ("roc_auc", "precision", "recall", "f1")),
        ]
    for row in found["comparison"]["pairs"]:
        ends = f"{signed(row['low'])} to {signed(row['high'])}"
        expected = [NAMES[row["second"]], signed(row["average_precision"]), ends]
        expected += ["yes" if row["shown"] else "no", f"{row['detectable']:.3f}"]
        assert expected in cells(text, NAMES[row["first"]])
    for row in found["study"]["best"]:
        rate = f"{row['learning_rate']:g}"
        goals = [f"{at:g}" if at is not None else "never" for at in row["epochs_to"].values()]
        (best,) = cells(text, f"{NAMES[row['optimizer']]}, {rate}")
        assert best == [
            *(f"{row[f'{part}_average_precision']:.3f}\u00a0±\u00a0{row[f'{part}_average_precision_sd']:.3f}"
              for part in ("validation", "test")),
            *(f"{row[key]:.3f}" for key in ("accuracy", "f1", "train_loss", "validation_loss")),
            " / ".join(goals),
        ]  # fmt: skip
    for row in found["ablation"]["changes"][1:]:
        (change,) = cells(text, row["change"].replace("_", " ").replace("gru", "GRU"))
        ends = f"{signed(row['difference_lowest'])} to {signed(row['difference_highest'])}"
        assert change[1:4] == [f"{row['average_precision']:.3f}", signed(row["difference"]), ends]


def test_the_times_are_those_of_the_results() -> None:
    text = render_markdown("times.md.jinja", times())
    assert cells(text, "LSTM") == [["53.8 (51.2 to 56.4)", "9.1", "67,096", "271,946"]]
    assert cells(text, "Adam") == [["9.7", "15.5", "3.1", "7.4", "never"]]
    assert cells(text, "no dropout") == [["12.3"]]


def test_marks_of_what_has_learned_nothing() -> None:
    found = results()
    found["study"]["best"][0] |= {"accuracy_is_majority": 1, "loss_is_base_rate": 1}
    assert "| 0.760\\* | 0.410 | 0.510 | 0.620\\*\\* |" in report(found)


# Structure.


def headings(text: str) -> set[str]:
    return {anchor(heading) for heading in re.findall(r"^#+ (.*)", text, re.MULTILINE)}


def test_links_lead_somewhere() -> None:
    pages = {name: render_markdown(f"{name}.md.jinja", results()) for name in ("report", "appendix")}
    anchors = {f"{name}.md": headings(text) for name, text in pages.items()}
    for name in ("gru", "optimizers"):
        anchors[f"theory/{name}.md"] = headings((ROOT / f"spoilers/theory/pages/{name}.md.jinja").read_text())
    for name, text in pages.items():
        for page, place in re.findall(r"\]\(([^)#]*)#([^)]*)\)", text):
            assert place in anchors[page or f"{name}.md"], (name, page, place)


def test_each_task_has_its_row_and_its_heading() -> None:
    text = report(results())
    for task in ("1.1", "1.2", "1.3", "1.4", "2.1", "2.2", "3.1", "3.2", "3.3", "3.4", "4A", "4B"):
        assert re.search(rf"^\| \[{re.escape(task)}\]\(#", text, re.MULTILINE), task
        assert re.search(rf"^### {re.escape(task)} ", text, re.MULTILINE), task
    assert text.index("## Summary") < text.index("## Task and answer") < text.index("## 1.")
    assert re.findall(r"^## (.*)", text, re.MULTILINE)[-1] == "Conclusion"


def test_the_report_is_short() -> None:
    prose = re.sub(r"^(\||!\[).*\n?", "", report(results()), flags=re.MULTILINE)
    assert len(prose.split()) <= 3000


@pytest.mark.parametrize("template", ["report.md.jinja", "appendix.md.jinja"])
def test_figures_are_numbered_in_order(template) -> None:
    text = render_markdown(template, results())
    numbers = [int(number) for number in re.findall(r"^\*\*Figure (\d+)\.\*\*", text, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) == len(re.findall(r"^!\[", text, re.MULTILINE))
    mentioned = {int(number) for number in re.findall(r"Figure (\d+)", text)}
    assert mentioned == set(numbers)


# Facts.


def test_differences_are_found_either_way_round() -> None:
    pairs = [pair("lstm", "gru", 1)]
    first, second = facts.difference(pairs, "lstm", "gru"), facts.difference(pairs, "gru", "lstm")
    assert (first["value"], first["low"], first["high"]) == (
        -second["value"],
        -second["high"],
        -second["low"],
    )
    assert first["worse"]
    assert second["better"]
    with pytest.raises(ValueError, match="not compared"):
        facts.difference(pairs, "lstm", "tfidf")


def test_a_review_as_it_is_read() -> None:
    words = "<unknown> - eyed , he did n't say ( much ) : \\ * # |"
    assert facts.as_read(words) == r"\[?\]-eyed, he did n't say (much): \\ \* \# \|"
    assert SPECIAL[1] == facts.UNKNOWN_WORD
    sentences = [{"flagged": int(i == 4), "probability": i / 10, "text": f"s{i}"} for i in range(7)]
    assert facts.quoted(sentences) == "… **s4** (0.40) s5 (0.50) s6 (0.60)"
    assert facts.quoted(sentences[:5]) == "… s2 (0.20) s3 (0.30) **s4** (0.40)"
    assert facts.quoted(sentences[3:]) == "… **s4** (0.40) s5 (0.50) s6 (0.60)"
    assert facts.quoted(sentences[:1]) == "s0 (0.00)"
    assert facts.quoted([sentences[4], *sentences[:4]]).endswith("s3 (0.30)")


def test_mistakes_that_are_shown() -> None:
    def error(model: str, kind: str, review: str, *flags: int) -> dict:
        read = [{"flagged": flag, "probability": 0.1 * i} for i, flag in enumerate(flags)]
        return {"model": model, "kind": kind, "review_id": review, "sentences": read}

    unread = error("lstm", "missed spoiler", "unread", 0, 0)
    errors = [error("lstm", "false alarm", "a", 0), error("gru", "false alarm", "a", 0), unread,
              error("gru", "false alarm", "b", 0), error("lstm", "missed spoiler", "c", 1, 1)]  # fmt: skip
    assert [e["review_id"] for e in facts.four_mistakes(errors)] == ["a", "b", "c"]
    assert facts.worst(unread) is None
    assert facts.worst(errors[-1])["probability"] == 0.1
    assert [e["review_id"] for e in facts.four_mistakes([unread])] == ["unread"]


def test_order() -> None:
    rows = [{"x": 1}, {"x": 3}, {}, {"x": None}]
    ranked = facts.ordered(rows, "x")
    assert all(a["x"] >= b["x"] for a, b in pairwise(ranked))
    assert len(ranked) == 2
    assert facts.rate_spread([]) == 1
    assert (
        facts.settings_of({"model": {"a": True, "b": 0.5}, "cell": "gru"})
        == "`a: true`, `b: 0.5`, `cell: gru`"
    )
