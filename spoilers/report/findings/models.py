"""What the scores of the models let one say."""

import pandas as pd

from spoilers.report.names import NAMES


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


def chance_note() -> str:
    """Say what the intervals leave out: the chance of a training."""
    return (
        "Each network was trained once. The intervals cover the choice of the test books, not the chance of"
        " a training: another `seed` may turn a small difference round."
    )


def decision_note(difference: dict) -> str:
    """Which of two models decides more reviews rightly, each at its threshold.

    McNemar's test takes each review for itself; the interval is over books, whose reviews are alike.
    """
    first, second = NAMES[difference["first"]], NAMES[difference["second"]]
    middle, low, high = (difference[key] for key in ("accuracy", "accuracy_low", "accuracy_high"))
    p_value = difference["mcnemar_p"]
    numbers = f"accuracy {middle:+.3f}, interval {low:+.3f} to {high:+.3f}, McNemar's p = {p_value:.2g}"
    if low > 0:
        return f"At its threshold the {first} decides more reviews rightly than the {second} ({numbers})."
    if high < 0:
        return f"At its threshold the {first} decides fewer reviews rightly than the {second} ({numbers})."
    text = f"At their thresholds the {first} and the {second} are not shown to differ in accuracy ({numbers})"
    if p_value < 0.05:
        text += "; the test would call it a difference, but takes reviews of one book for independent"
    return text + "."


def losses_of_kept(curve: pd.DataFrame) -> dict[str, float]:
    """Return the losses on training and validation at the evaluation whose weights were kept."""
    kept = curve.loc[curve["average_precision"].idxmax()]
    return {"train_loss": float(kept["train_loss"]), "validation_loss": float(kept["validation_loss"])}


def fit_note(summary: dict) -> str:
    """Whether the training stopped early."""
    best, last = summary["best_epoch"], summary["epochs"]
    if best < last:
        return f"validation did not improve after epoch {best:g}, training ended at epoch {last:g}"
    return f"validation still improved at the last epoch ({last:g}); more epochs may help"
