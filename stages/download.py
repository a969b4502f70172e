"""Fetches the reviews: `download.source` -> data/raw."""

from spoilers.core.errors import run
from spoilers.core.files import replacing, write_json
from spoilers.core.params import load
from spoilers.corpus import fetch
from spoilers.corpus.sample import compose

REVIEWS = "data/raw/reviews.json.gz"
SOURCE = "data/raw/source.json"


def main() -> None:
    params = load()
    source, expected, sample = params.download.source, params.download.sha256, params.download.sample
    if source == "sample":
        with replacing(REVIEWS) as partial:
            compose.write(partial, sample.reviews, sample.spoiler_share, params.seed)
            facts = fetch.examine(partial, expected, "the sample")
    elif urls := fetch.addresses(source):
        facts = fetch.fetch(urls, REVIEWS, expected)
    else:
        facts = fetch.copy(source, REVIEWS, expected)
    write_json(SOURCE, {"source": source, **facts})


if __name__ == "__main__":
    run(main)
