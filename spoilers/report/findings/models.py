"""What the scores of the models let one say."""

import pandas as pd

from spoilers.report.names import NAMES


def verdict(difference: dict) -> str:
    """Say what a difference (first minus second) lets one say, corrected for all that were compared."""
    first, second = NAMES[difference["first"]], NAMES[difference["second"]]
    middle, low, high = (difference[key] for key in ("average_precision", "low", "high"))
    numbers = f"difference {middle:+.3f}, interval {low:+.3f} to {high:+.3f}"
    if difference["shown"]:
        which = "better" if middle > 0 else "worse"
        return f"The {first} ranks {which} than the {second} on these test reviews ({numbers})."
    return (
        f"No difference between the {first} and the {second} is shown by these test reviews ({numbers}); one"
        f" of {difference['detectable']:.3f} would have been shown with a chance of 80 %."
    )


def chance_note(seeds: list[int]) -> str:
    """Say whether the intervals hold the chance of a training."""
    if len(seeds) > 1:
        return (
            f"Each network was trained with {len(seeds)} seeds. The intervals cover the choice of the test"
            " books and the chance of a training."
        )
    return (
        "Each network was trained once. The intervals cover the choice of the test books, not the chance of"
        " a training: another `seed` may turn a small difference round."
    )


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
