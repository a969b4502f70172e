"""What speaks for the GRU and what for the LSTM, by what was measured."""

SMALL_SAVING = 0.9  # of all parameters that are left


def gru_against_lstm(comparison: dict) -> dict[str, list[str]]:
    """Advantages of the GRU (`pros`), of the LSTM (`cons`), and what is level (`level`)."""
    lstm, gru = comparison["cost"]["lstm"], comparison["cost"]["gru"]
    found: dict[str, list[str]] = {"pros": [], "cons": [], "level": []}
    for side, text in (
        of_quality(comparison["pairs"]),
        *of_size(lstm, gru),
        of_epochs(lstm, gru),
    ):
        found[side].append(text)
    found["pros"].append(
        "*Simplicity*: one state and two gates, where the LSTM has two states and three gates; less to"
        " explain and to keep in memory while training."
    )
    found["cons"].append(
        "*Control*: the LSTM's gates decide apart what to keep and what to let in, and how much of its"
        " memory to show; the GRU has one gate for the first two and none for the third."
    )
    return found


def of_quality(pairs: list[dict]) -> tuple[str, str]:
    """Say which cell ranks better, and on which side that counts."""
    pair = next(pair for pair in pairs if (pair["first"], pair["second"]) == ("lstm", "gru"))
    middle, low, high = (pair[key] for key in ("average_precision", "low", "high"))
    numbers = f"average precision of LSTM - GRU {middle:+.3f}, interval {low:+.3f} to {high:+.3f}"
    if not pair["shown"]:
        return "level", f"*Quality* at the same number of units: no difference is shown ({numbers})."
    side, better = ("cons", "LSTM") if middle > 0 else ("pros", "GRU")
    return side, f"*Quality* at the same number of units: the {better} ranks better ({numbers})."


def of_size(lstm: dict, gru: dict) -> list[tuple[str, str]]:
    cells = gru["cell_parameters"] / lstm["cell_parameters"]
    found = [
        (
            "pros",
            f"*Complexity*: {gru['cell_parameters']:,} numbers in its cells against"
            f" {lstm['cell_parameters']:,}, which is {cells:.0%}, and as many of the multiplications at each"
            " word.",
        )
    ]
    whole = gru["parameters"] / lstm["parameters"]
    if whole > SMALL_SAVING:
        share = lstm["embedding_parameters"] / lstm["parameters"]
        found.append(
            (
                "level",
                f"*Size of the whole model*: {gru['bytes'] / 1e6:.2f} against {lstm['bytes'] / 1e6:.2f}"
                f" megabytes; the word embedding has {share:.0%} of the LSTM's numbers and is the same for"
                " both.",
            )
        )
    return found


def of_epochs(lstm: dict, gru: dict) -> tuple[str, str]:
    fewer = gru["best_epoch"] - lstm["best_epoch"]
    side = "pros" if fewer < 0 else "cons" if fewer > 0 else "level"
    return side, (
        f"*Training*: its best epoch was number {gru['best_epoch']:g} of {gru['epochs']:g}, the LSTM's"
        f" number {lstm['best_epoch']:g} of {lstm['epochs']:g}."
    )
