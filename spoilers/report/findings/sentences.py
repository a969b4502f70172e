"""Scores sentence by sentence, beside the published ones."""

# Wan, Misra, Nakashole and McAuley (ACL 2019), on the whole of the Goodreads file: AUC over all
# sentences, and the mean AUC of a review's sentences.
FILES = ("goodreads_reviews_spoiler.json.gz", "goodreads_reviews_spoiler_raw.json.gz")
PUBLISHED = {
    "SVM": (0.744, 0.790),
    "CNN": (0.777, 0.825),
    "HAN": (0.901, 0.884),
    "SpoilerNet": (0.919, 0.889),
}


def is_goodreads(source: str) -> bool:
    """Whether the data are the Goodreads file, fetched here or by hand."""
    return source in ("goodreads", "goodreads_raw") or source.rstrip("/").endswith(FILES)


def published_note(source: str, clean_fraction: float) -> str:
    """Whether the published scores can be compared with ours."""
    if not is_goodreads(source):
        return (
            "The published scores are on Goodreads, and these data are not the Goodreads file: the rows"
            " stand side by side to give an idea of the scale, and cannot be compared."
        )
    part = "" if clean_fraction == 1 else f", and these are of {clean_fraction:.0%} of the books"
    return f"The published scores are on the same file, with another split{part}: compare them with caution."
