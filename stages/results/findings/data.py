"""Which data a report is about."""


def data_note(source: str) -> str:
    """Which data this is; the sample's scores must never pass for Goodreads'."""
    if source == "sample":
        return (
            "All numbers below are from the embedded sample: reviews composed from sentences that this"
            " project's authors wrote about public-domain novels. They show that the pipeline works and how"
            " the models compare on it; they say nothing about Goodreads."
        )
    if source.startswith("goodreads"):
        return "All numbers below are from the Goodreads reviews of Wan et al. (2019)."
    return f"All numbers below are from the reviews at `{source}`."
