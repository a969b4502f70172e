"""What would improve the results, by what was measured."""

from spoilers.report.findings.leakage import known_books_help
from spoilers.report.findings.reliability import FEW_SPOILERS
from spoilers.report.findings.slices import extremes
from spoilers.report.names import NAMES

OVERFIT = 1.25  # loss on validation over loss on training
UNKNOWN = 0.02  # share of the test words
UNREAD = 0.05  # share of the spoilers
CALIBRATION = 0.05  # calibration error above the baseline's


def improvements(
    losses: dict[str, dict],
    trained: dict[str, dict],
    split: dict[str, dict],
    comparison: dict,
    slices: list[dict],
    leakage: dict,
) -> list[str]:
    """What to try, most promising first; each follows from a number."""
    spoilers = comparison["test"]["spoilers"]
    if spoilers < FEW_SPOILERS:
        return [
            f"*More labelled reviews*: with {spoilers:,} spoilers in the test set, and in proportion in"
            " training, there is too little to learn from, and hardly any improvement could be shown."
        ]
    return [
        *of_fit(losses, trained),
        *of_baseline(comparison["pairs"]),
        *of_unknown_words(split),
        *of_length(slices),
        *of_unread(slices, spoilers),
        *of_books(leakage),
        *of_calibration(comparison["models"], list(trained)),
    ]


def of_fit(losses: dict[str, dict], trained: dict[str, dict]) -> list[str]:
    over = [c for c, loss in losses.items() if loss["validation_loss"] > OVERFIT * loss["train_loss"]]
    if over:
        numbers = "; ".join(
            f"{NAMES[cell]}: {losses[cell]['train_loss']:.3f} on training,"
            f" {losses[cell]['validation_loss']:.3f} on validation"
            for cell in over
        )
        return [
            "*More reviews, or a tighter rein*: the training reviews are learned by heart (loss at the"
            f" epoch kept: {numbers}). More of them (`download.sample.reviews`, `clean.fraction`) help most,"
            " then more dropout, fewer units."
        ]
    if all(summary["best_epoch"] == summary["epochs"] for summary in trained.values()):
        return [
            "*Longer training*: both networks were still getting better when `train.epochs` ended, and do"
            " not overfit yet."
        ]
    return [
        "*A larger network*: the loss on validation is close to that on training, so that there is room for"
        " more units (`model.hidden_size`)."
    ]


def of_baseline(pairs: list[dict]) -> list[str]:
    ahead = [pair for pair in pairs if pair["shown"] and pair["average_precision"] > 0]
    if any(pair["second"] == "tfidf" for pair in ahead):
        return []
    return [
        "*Making word order count*: neither network is shown to rank better than TF-IDF, which sees words"
        " and pairs only. Vectors trained on more text (`model.vectors`) bring in what these reviews are"
        " too few to teach; until then TF-IDF is the cheaper choice."
    ]


def of_unknown_words(split: dict[str, dict]) -> list[str]:
    train, test = (split[part]["unknown_tokens"] for part in ("train", "test"))
    if test < max(UNKNOWN, 2 * train):
        return []
    return [
        f"*Reading new names*: {test:.1%} of the test words are not in the vocabulary ({train:.1%} in"
        " training), the names of new books' characters among them. Parts of words instead of words, or one"
        " sign for every name, would let the network see that somebody is meant."
    ]


def of_length(slices: list[dict]) -> list[str]:
    for model in dict.fromkeys(row["model"] for row in slices):
        apart = extremes(slices, "length", model)
        rows = [row["slice"] for row in slices if row["by"] == "length" and row["model"] == model]
        if apart and rows.index(apart[0]["slice"]) > rows.index(apart[1]["slice"]):
            worst, best = apart
            return [
                f"*Long reviews*: the {NAMES[model]}'s ROC-AUC falls from {best['roc_auc']:.3f} at"
                f" {best['slice']} to {worst['roc_auc']:.3f} at {worst['slice']}. One maximum over a long"
                " review has many chances of a false alarm: more weight on sentences"
                " (`train.sentence_weight`), or attention over them, is worth a try."
            ]
    return []


def of_unread(slices: list[dict], spoilers: int) -> list[str]:
    unread = [row["spoilers"] for row in slices if row["slice"] == "in the part that is not read"]
    if not unread or unread[0] < UNREAD * spoilers:
        return []
    return [
        f"*Reading all of it*: {unread[0]:,} of {spoilers:,} spoilers stand where a long review is cut; a"
        " larger `train.max_tokens` would let the network see them."
    ]


def of_books(leakage: dict) -> list[str]:
    if not known_books_help(leakage):
        return []
    return [
        "*Knowing the book*: the baseline is better on books that it knows. How usual a word is in a book's"
        " other reviews, as in SpoilerNet (Wan et al., 2019), tells a new book's events from its subject"
        " without a label."
    ]


def of_calibration(models: dict[str, dict], networks: list[str]) -> list[str]:
    error = {name: found["calibration_error"] for name, found in models.items()}
    off = [cell for cell in networks if error[cell] > error["tfidf"] + CALIBRATION]
    if not off:
        return []
    numbers = ", ".join(f"{NAMES[cell]} {error[cell]:.3f}" for cell in off)
    return [
        f"*Better probabilities*: they are too far from what is found (calibration error {numbers}; TF-IDF"
        f" {error['tfidf']:.3f}). A temperature fitted on validation (Guo et al., 2017) would mend that"
        " without changing the order."
    ]
