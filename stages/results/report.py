"""The report: one Markdown template, filled with the metrics; the HTML page is made from it.

Sentences that judge are chosen here, by rules, so that they stay true after any rerun.
"""

import base64
import re
from operator import itemgetter
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt

NAMES = {
    "lstm": "LSTM",
    "gru": "GRU",
    "tfidf": "TF-IDF + logistic regression",
    "length": "length only",
    "majority": "majority class",
    "sgd": "SGD",
    "momentum": "SGD with momentum",
    "rmsprop": "RMSprop",
    "adam": "Adam",
}
ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=lambda name: name is not None and name.endswith(".html.jinja"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
LINKED = "timings/"  # pictures of wall-clock figures stay outside, so that the page repeats byte for byte


def verdict(difference: dict) -> str:
    """What a difference (first minus second) with its interval lets one say."""
    first, second = NAMES[difference["first"]], NAMES[difference["second"]]
    middle, low, high = (difference[key] for key in ("average_precision", "low", "high"))
    numbers = f"difference {middle:+.3f}, interval {low:+.3f} to {high:+.3f}"
    if low > 0:
        return f"The {first} ranks better than the {second} on these test reviews ({numbers})."
    if high < 0:
        return f"The {first} ranks worse than the {second} on these test reviews ({numbers})."
    return f"No difference between the {first} and the {second} is shown by these test reviews ({numbers})."


def data_note(source: str) -> str:
    """Which data this is; the sample's scores must never pass for Goodreads'."""
    if source == "sample":
        return (
            "All numbers below are from the embedded sample: reviews composed from sentences that this"
            " project's authors wrote about public-domain novels. They show that the pipeline works and how"
            " the models compare on it; they say nothing about Goodreads."
        )
    if source.startswith("goodreads"):
        return "All numbers below are from the Goodreads reviews of Wan et al. (2019)."
    return f"All numbers below are from the reviews at `{source}`."


def fit_note(summary: dict) -> str:
    """Whether the training stopped early."""
    best, last = summary["best_epoch"], summary["epochs"]
    if best < last:
        return f"validation did not improve after epoch {best:g}, training ended at epoch {last:g}"
    return f"validation still improved at the last epoch ({last:g}); more epochs may help"


def optimizer_findings(study: dict) -> list[str]:
    """What the study shows, one sentence a finding."""
    best, shared = study["best"], [entry for entry in study["shared"] if not entry["diverged"]]
    if not best:
        return ["Every run of the study diverged."]
    precision = itemgetter("validation_average_precision")
    ranked = sorted(best, key=precision, reverse=True)
    order = ", then ".join(
        f"{NAMES[entry['optimizer']]} ({precision(entry):.3f} at {entry['learning_rate']:g})"
        for entry in ranked
    )
    findings = [f"By average precision on validation, each at its own best learning rate: first {order}."]
    if shared:
        first = max(shared, key=precision)["optimizer"]
        same = "the same winner as" if first == ranked[0]["optimizer"] else "another winner than"
        findings.append(f"At the one shared rate {NAMES[first]} is ahead: {same} with each at its best rate.")
    fast = [entry for entry in best if "epochs_to_convergence" in entry]
    if fast:
        quickest = min(fast, key=itemgetter("epochs_to_convergence"))
        name, epochs = NAMES[quickest["optimizer"]], quickest["epochs_to_convergence"]
        findings.append(
            f"{name} converges first, after {epochs:g} epochs on average"
            f" (to an average precision of {study['study'][0]['goal']:.3f})."
        )
    slow = [NAMES[entry["optimizer"]] for entry in best if "epochs_to_convergence" not in entry]
    if slow:
        findings.append(f"Not every seed converged within the study's epochs with {', '.join(slow)}.")
    edge = [NAMES[entry["optimizer"]] for entry in best if entry["at_edge_of_grid"]]
    if edge:
        findings.append(
            f"The best rate of {', '.join(edge)} is at the grid's edge: a better one may lie outside."
        )
    if study["study"][0]["diverged_cells"]:
        findings.append(f"{study['study'][0]['diverged_cells']} cells of the grid diverged.")
    return findings


def render_markdown(context: dict) -> str:
    """The report in Markdown; `context` is what `stages/report.py` reads."""
    functions = {f.__name__: f for f in (verdict, data_note, fit_note, optimizer_findings)}
    return ENVIRONMENT.get_template("report.md.jinja").render(names=NAMES, **functions, **context)


def render_html(markdown: str, folder: Path) -> str:
    """The same report as one page: its pictures, relative to `folder`, inside it.

    HTML in the Markdown is text: markdown-it escapes it.
    """
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    body = re.sub(r'<img src="([^"]+)"', lambda match: f'<img src="{inline(match[1], folder)}"', body)
    body = body.replace("<table>", '<div class="table"><table>').replace("</table>", "</table></div>")
    return ENVIRONMENT.get_template("report.html.jinja").render(body=body)


def inline(source: str, folder: Path) -> str:
    if source.startswith(LINKED):
        return source
    return "data:image/svg+xml;base64," + base64.b64encode((folder / source).read_bytes()).decode()
