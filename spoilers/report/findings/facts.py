"""Compute what the templates need from the results beyond a mere lookup."""

import re
from collections.abc import Iterator

from spoilers.report.names import LAYERS

__all__ = (
    "best_model", "difference", "four_mistakes", "medians", "most_tolerant", "named", "ordered", "prevalence",
    "quoted", "rate_spread", "reached", "seeds_overlap", "settings_of", "shown_values", "step_spread",
    "tolerance", "worst",
)  # fmt: skip

UNKNOWN_WORD = "<unknown>"
LONGEST = 3  # sentences quoted from a review
SPECIAL = str.maketrans({character: f"\\{character}" for character in "\\`*_[]<>#|"})
CLOSING = re.compile(r" (?=[.,;:!?)\]]|'\w|-(?= \w))")
OPENING = re.compile(r"(?<=[(\[]) |(?<=[\w\]]-) ")


def difference(pairs: list[dict], first: str, second: str) -> dict:
    """Return the difference of two models, first minus second, whichever way round it was recorded.

    Raises:
        ValueError: the two were not compared.
    """
    for pair in pairs:
        if {pair["first"], pair["second"]} == {first, second}:
            break
    else:
        raise ValueError(f"{first} and {second} are not compared")
    ends = pair["average_precision"], pair["low"], pair["high"]
    if pair["first"] != first:
        ends = -ends[0], -ends[2], -ends[1]
    shown = bool(pair["shown"])
    value, low, high = ends
    return {
        "value": value, "low": low, "high": high, "shown": shown,
        "better": shown and value > 0, "worse": shown and value < 0,
        "detectable": pair.get("detectable"),
    }  # fmt: skip


def best_model(models: dict[str, dict]) -> dict:
    """Return the scores of the model with the highest average precision, and its name as `model`."""
    name = max(models, key=lambda model: models[model]["average_precision"])
    return models[name] | {"model": name}


def ordered(rows: list[dict], key: str) -> list[dict]:
    """Return the rows that have a number under a key, the largest first."""
    return sorted((row for row in rows if row.get(key) is not None), key=lambda row: -row[key])


def named(rows: list[dict]) -> dict[str, dict]:
    """Return the rows by optimizer name."""
    return {row["optimizer"]: row for row in rows}


def prevalence(data: dict) -> float:
    """Return the share of the reviews that contain a spoiler."""
    reviews = {name: row["reviews"] for name, row in data["classes"].items()}
    return reviews["spoiler"] / sum(reviews.values())


def medians(data: dict) -> dict[str, int]:
    """Return each class's median number of tokens per review."""
    return {row["class"]: row["median"] for row in data["lengths"] if row["what"] == "tokens in a review"}


def seeds_overlap(trainings: dict[str, list[dict]]) -> bool:
    """Return whether the worst seed of either network is below the best seed of the other."""
    lstm, gru = ([one["average_precision"] for one in trainings[cell]] for cell in ("lstm", "gru"))
    return min(lstm) < max(gru) and min(gru) < max(lstm)


def reached(rows: list[dict], goal: str) -> list[tuple[str, float]]:
    """Return the optimizers that reached a goal and stayed, with the epochs it took, fastest first."""
    found = [(row["optimizer"], row["epochs_to"][goal]) for row in rows]
    return sorted(((name, at) for name, at in found if at is not None), key=lambda pair: pair[1])


def rate_spread(rows: list[dict]) -> float:
    """Return the ratio of the largest to the smallest best rate; 1 without any."""
    rates = [row["learning_rate"] for row in rows] or [1]
    return max(rates) / min(rates)


def tolerance(row: dict) -> float:
    """Return the share of an optimizer's rates that work."""
    return row["rates_that_work"] / row["rates"]


def most_tolerant(rows: list[dict]) -> list[dict]:
    """Return the optimizers' rows, the largest share of rates that work first."""
    return sorted(rows, key=lambda row: -tolerance(row))


def step_spread(row: dict) -> float:
    """Return the factor by which an optimizer's effective steps differ between layers."""
    steps = [row[f"effective_step_{layer}"] for layer in LAYERS]
    return max(steps) / min(steps)


def settings_of(changes: dict) -> str:
    """Return the settings that a change of the ablation makes, as in params.yaml."""

    def leaves(section: dict) -> Iterator[str]:
        for key, value in section.items():
            if isinstance(value, dict):
                yield from leaves(value)
            else:
                yield f"`{key}: {str(value).lower()}`"

    return ", ".join(leaves(changes))


def shown_values(rows: list[dict], key: str) -> list[str]:
    """Return the ratings or years whose share of spoilers is shown to differ from the others'."""
    values = [row[key] for row in rows if row["shown"]]
    return ["no rating" if key == "rating" and value == 0 else str(value) for value in values]


def four_mistakes(errors: list[dict]) -> list[dict]:
    """Return each network's surest mistake of each kind, taking no review twice.

    Missed spoilers that the network read come before those in the part that was cut out.
    """
    found: list[dict] = []
    errors = sorted(errors, key=lambda error: worst(error) is None)
    for kind in ("false alarm", "missed spoiler"):
        for model in ("lstm", "gru"):
            seen = {mistake["review_id"] for mistake in found}
            fits = (
                e for e in errors if (e["kind"], e["model"]) == (kind, model) and e["review_id"] not in seen
            )
            found += [mistake for mistake in [next(fits, None)] if mistake]
    return found


def worst(mistake: dict) -> dict | None:
    """Return the sentence that explains a mistake: the highest-scoring one, if missed, of the flagged.

    Return None if a spoiler was missed and the network read no flagged sentence.
    """
    missed = mistake["kind"] == "missed spoiler"
    sentences = [s for s in mistake["sentences"] if s["flagged"] or not missed]
    return max(sentences, key=lambda s: s["probability"], default=None)


def quoted(sentences: list[dict], model: str | None = None) -> str:
    """Return a review as Markdown, flagged sentences bold, with the probability after each sentence.

    A long review is cut to its flagged sentences and those with the highest probabilities. `model`
    names the network if a sentence has probabilities from several.
    """
    scores = [s["probabilities"][model] if model else s["probability"] for s in sentences]
    order = sorted(range(len(sentences)), key=lambda i: (-sentences[i]["flagged"], -scores[i]))
    kept, parts = sorted(order[:LONGEST]), []
    for place, i in enumerate(kept):
        bold = "**" if sentences[i]["flagged"] else ""
        gap = "… " if i > (kept[place - 1] + 1 if place else 0) else ""
        parts.append(f"{gap}{bold}{as_read(sentences[i]['text'])}{bold} ({scores[i]:.2f})")
    return " ".join(parts) + (" …" if kept[-1] < len(sentences) - 1 else "")


def as_read(text: str) -> str:
    """Return a sentence as the network reads it, spaced as in print; `[?]` is an unknown word."""
    return literal(OPENING.sub("", CLOSING.sub("", text.replace(UNKNOWN_WORD, "[?]"))))


def literal(text: str) -> str:
    """Escape the special characters of Markdown."""
    return text.translate(SPECIAL)
