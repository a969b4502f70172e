"""What the scores rest on."""

FEW_KNOWN = 0.2  # share of the test reviews of a random split whose book is in training


def leakage_findings(leakage: dict) -> list[str]:
    """Say what book, copied sentences, warnings, the word `spoiler` and length give away, a sentence each."""
    splits = leakage["splits"]
    if "book" not in splits:
        return ["A split by book leaves a part without spoilers, so that nothing could be measured."]
    book, found = splits["book"], []
    if "random" in splits:
        found.append(of_book(book, splits["random"]))
    return [
        *found,
        of_copies(leakage["copies"]["sentences"]),
        of_hidden("A sentence that announces a spoiler", leakage["warnings"]),
        of_hidden("The word `spoiler`, in any form,", leakage["word"]),
        of_length(book),
    ]


def known_books_help(leakage: dict) -> bool:
    """Return whether the score on known books is above that on new ones by more than both intervals."""
    splits = leakage["splits"]
    return {"book", "random"} <= set(splits) and splits["random"]["low"] > splits["book"]["high"]


def of_book(book: dict, random: dict) -> str:
    if random["of_known_books"] < FEW_KNOWN:
        return (
            f"A random split has {random['of_known_books']:.0%} of its test reviews from known books, too"
            " few to see whether knowing the book would help."
        )
    scores = (
        f"an average precision of {random['average_precision']:.3f} ({random['low']:.3f} to"
        f" {random['high']:.3f}) where reviews are split at random, and {book['average_precision']:.3f}"
        f" ({book['low']:.3f} to {book['high']:.3f}) where books are kept apart"
    )
    if random["low"] > book["high"]:
        return (
            f"A random split flatters: TF-IDF has {scores}. With the book known, its events need not be"
            " understood."
        )
    if random["high"] < book["low"]:
        return f"A random split does not flatter here: TF-IDF has {scores}."
    return f"No gain from knowing the book is shown: TF-IDF has {scores}."


def of_copies(sentences: dict) -> str:
    shares = {kind: row["copied"] for kind, row in sentences.items()}
    parts = [
        f"{shares[kind]:.1%} of the {kind}" for kind in ("flagged", "others") if shares[kind] is not None
    ]
    kinds = f" ({' and '.join(parts)})" if parts else ""
    return f"{shares['all']:.1%} of the test's sentences stand word for word in training{kinds}."


def of_hidden(what: str, row: dict) -> str:
    numbers = (
        f"average precision {row['average_precision']:.3f} with it, {row['average_precision_without']:.3f}"
        f" without; difference {row['lost']:+.3f}, interval {row['lost_low']:+.3f} to"
        f" {row['lost_high']:+.3f}"
    )
    where = (
        f"{what} is in {row['reviews_with']:.0%} of the test reviews and"
        f" {row['spoilers_with']:.0%} of those that spoil"
    )
    above = row["average_precision"] - row["prevalence"]
    if row["lost_low"] > 0 and above > 0:
        share = row["lost"] / above
        return f"{where}, and carries {share:.0%} of what TF-IDF has above chance ({numbers})."
    return f"{where}; that it carries any of the score is not shown ({numbers})."


def of_length(book: dict) -> str:
    numbers = f"average precision {book['length_only']:.3f}, where chance has {book['prevalence']:.3f}"
    if book["length_only"] > book["low"]:
        return f"Length alone does about as well as TF-IDF ({numbers}): the words tell next to nothing."
    return (
        f"Length alone tells little or nothing of it ({numbers}; TF-IDF has {book['average_precision']:.3f})."
    )
