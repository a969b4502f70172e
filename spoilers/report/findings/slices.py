"""Where the networks are better and worse."""

from spoilers.report.names import NAMES

KINDS = {
    "length": "review length",
    "rating": "rating",
    "year": "year",
    "book": "whether the book was seen in training",
    "spoiler": "where the spoiler stands",
}


def slice_findings(slices: list[dict]) -> list[str]:
    """A sentence for each kind of slice and model whose best and worst slice lie apart by both intervals."""
    found = []
    for by, what in KINDS.items():
        for model in dict.fromkeys(row["model"] for row in slices):
            apart = extremes(slices, by, model)
            if apart:
                worst, best = apart
                found.append(
                    f"By {what}, the {NAMES[model]} is weakest at *{worst['slice']}* (ROC-AUC {of(worst)})"
                    f" and strongest at *{best['slice']}* ({of(best)})."
                )
    level = [
        what
        for by, what in KINDS.items()
        if len({row["slice"] for row in slices if row["by"] == by and "low" in row}) > 1
        and not any(sentence.startswith(f"By {what},") for sentence in found)
    ]
    if level:
        found.append(f"No such difference is shown by {', nor by '.join(level)}.")
    return found or ["No two parts have spoilers of enough books for intervals that could be compared."]


def extremes(slices: list[dict], by: str, model: str) -> tuple[dict, dict] | None:
    """The worst and the best slice of one kind, where the one's interval ends below the other's."""
    rows = [row for row in slices if row["by"] == by and row["model"] == model and "low" in row]
    if len(rows) < 2:
        return None
    worst, best = min(rows, key=lambda row: row["roc_auc"]), max(rows, key=lambda row: row["roc_auc"])
    return (worst, best) if worst["high"] < best["low"] else None


def of(row: dict) -> str:
    return f"{row['roc_auc']:.3f}, {row['low']:.3f} to {row['high']:.3f}"
