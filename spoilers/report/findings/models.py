"""What the scores of the models let one say."""

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


def chance_of_training(pairs: list[dict]) -> float:
    """How far two trainings of nearly the same network are apart in average precision.

    The GRU and the GRU of equal parameters differ in a few units; 0 where no difference is shown, or
    only one was trained.
    """
    for pair in pairs:
        if (pair["first"], pair["second"]) == ("gru_matched", "gru") and not pair["low"] <= 0 <= pair["high"]:
            return abs(pair["average_precision"])
    return 0.0


def chance_note(pairs: list[dict]) -> str:
    """What the intervals leave out: the chance of a training."""
    apart = chance_of_training(pairs)
    if apart:
        return (
            f"Two GRUs that differ in a few units alone are {apart:.3f} apart: so much can come from the"
            " chance of a training, which no interval here covers. A difference of that size between LSTM"
            " and GRU need not come from the cells."
        )
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


def fit_note(summary: dict) -> str:
    """Whether the training stopped early."""
    best, last = summary["best_epoch"], summary["epochs"]
    if best < last:
        return f"validation did not improve after epoch {best:g}, training ended at epoch {last:g}"
    return f"validation still improved at the last epoch ({last:g}); more epochs may help"
