"""What the scores of the models let one say."""

from stages.results.names import NAMES


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


def fit_note(summary: dict) -> str:
    """Whether the training stopped early."""
    best, last = summary["best_epoch"], summary["epochs"]
    if best < last:
        return f"validation did not improve after epoch {best:g}, training ended at epoch {last:g}"
    return f"validation still improved at the last epoch ({last:g}); more epochs may help"
