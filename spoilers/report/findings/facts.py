"""What the templates ask of the results beyond looking a number up."""

import re

from spoilers.text.vocabulary import SPECIAL

__all__ = ("as_read", "difference", "four_mistakes", "ordered", "shortened", "shown_values", "worst")

UNKNOWN_WORD = SPECIAL[1]
LONGEST = 4  # sentences of a review that are printed
CLOSING, OPENING = re.compile(r" (?=[.,;:!?)\]]|'\w)"), re.compile(r"(?<=[(\[]) ")


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


def ordered(rows: list[dict], key: str) -> list[dict]:
    """Return the rows that have a number under a key, the largest first."""
    return sorted((row for row in rows if row.get(key) is not None), key=lambda row: -row[key])


def shown_values(rows: list[dict], key: str) -> list[str]:
    """Return the ratings or years whose share of spoilers is shown to differ from the others'."""
    values = [row[key] for row in rows if row["shown"]]
    return ["no rating" if key == "rating" and value == 0 else str(value) for value in values]


def four_mistakes(errors: list[dict]) -> list[dict]:
    """Return each network's surest mistake of each kind; one that another network made too is not repeated."""
    found: list[dict] = []
    for kind in ("false alarm", "missed spoiler"):
        for model in ("lstm", "gru"):
            seen = {mistake["review_id"] for mistake in found}
            fits = (e for e in errors if (e["kind"], e["model"]) == (kind, model) and e["review_id"] not in seen)
            found += [mistake for mistake in [next(fits, None)] if mistake]
    return found


def worst(mistake: dict) -> dict | None:
    """Return the sentence that explains a mistake: of a missed spoiler the flagged one that scores highest, else any.

    None where a spoiler was missed and no sentence that the network reads is flagged.
    """
    missed = mistake["kind"] == "missed spoiler"
    sentences = [s for s in mistake["sentences"] if s["flagged"] or not missed]
    return max(sentences, key=lambda s: s["probability"], default=None)


def shortened(sentences: list[dict]) -> list[dict]:
    """Return the flagged sentences and those with the highest probabilities, at most `LONGEST`, in order.

    A sentence before which others were left out has `after_gap`.
    """
    ranked = sorted(range(len(sentences)), key=lambda i: (-sentences[i]["flagged"], -sentences[i]["probability"]))
    kept = sorted(ranked[:LONGEST])
    return [
        sentences[i] | {"after_gap": i > (kept[place - 1] + 1 if place else 0)} for place, i in enumerate(kept)
    ]


def as_read(text: str) -> str:
    """Return a sentence as the network reads it, with the spaces of ordinary print; `[?]` is an unknown word."""
    return OPENING.sub("", CLOSING.sub("", text.replace(UNKNOWN_WORD, "[?]")))
