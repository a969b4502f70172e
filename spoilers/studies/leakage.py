"""What gives labels away: the same book on both sides of a split, and the word `spoiler` itself.

Measured on TF-IDF with logistic regression, which trains in seconds.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from spoilers.core.errors import UserError
from spoilers.core.hashing import hash_share
from spoilers.core.params import Params
from spoilers.metrics.evaluation import rounded
from spoilers.metrics.intervals import Ranking, Resamples, interval
from spoilers.metrics.scores import average_precision
from spoilers.models.baselines import WHOLE, fit
from spoilers.text.reviews import Reviews, from_table
from spoilers.text.splits import assign_splits, check_classes, make_vocabulary, with_ids
from spoilers.text.token_table import RowGroups
from spoilers.text.vocabulary import UNKNOWN, Vocabulary

MOST = 50_000  # reviews, of whole books: enough to see a leak


@dataclass(frozen=True)
class Divided:
    """The same reviews, divided in one way."""

    parts: list[Reviews]  # training, validation, test
    vocabulary: Vocabulary
    known: np.ndarray  # bool (test reviews): whether the book is in training
    resamples: Resamples  # of the test books


def measure(source: Path, settings: Params) -> dict:
    """Score the baseline on a split by book and on a random one; on the first, also without the word.

    Returns `splits`, the scores by what the reviews were split by, and `word`, what is lost without the
    word `spoiler`. A split that leaves a part without one of the classes is not there; without the split
    by book, `word` is None.
    """
    groups = RowGroups(source)
    splits, word = {}, None
    for by in ("book", "random"):
        try:
            divided = divide(groups, by, settings)
        except UserError:
            continue
        with_all = trial(divided, divided.parts, settings)
        splits[by] = describe(divided, with_all, settings.evaluate.confidence)
        if by == "book":
            parts = [without_word(part, divided.vocabulary) for part in divided.parts]
            masked = trial(divided, parts, settings)
            word = compare(divided, with_all, masked, settings.evaluate.confidence)
    return {"splits": splits, "word": word}


def divide(groups: RowGroups, by: str, settings: Params) -> Divided:
    """Split the reviews as the stage `split` does, but by books or at random.

    Raises:
        UserError: a part is empty or has a single class.
    """
    books = groups.column("book_id").combine_chunks()
    split = settings.split.model_copy(update={"by": by})
    places = np.where(whole_books(books), assign_splits(groups, split, settings.seed), -1)
    check_classes(places, groups.column("label").to_numpy(), split)
    vocabulary = make_vocabulary(groups, places, split.vocabulary, settings.machine.workers)
    tables = list(kept_tables(groups, places, vocabulary))
    parts = [from_table(pa.concat_tables(t[i] for t in tables), WHOLE) for i in range(3)]
    of_training, of_test = (books.filter(pa.array(places == i)).to_numpy(False) for i in (0, 2))
    resamples = Resamples.of(of_test, settings.evaluate.bootstrap, settings.seed)
    return Divided(parts, vocabulary, np.isin(of_test, of_training), resamples)


def whole_books(books: pa.Array) -> np.ndarray:
    """Which reviews to use: about `MOST` of them, by a hash of the book."""
    books = books.dictionary_encode()
    shares = np.array([hash_share(book, b"0", b"") for book in books.dictionary.to_pylist()])
    return shares[books.indices.to_numpy()] < MOST / len(books)


def kept_tables(groups: RowGroups, places: np.ndarray, vocabulary: Vocabulary) -> Iterator[list[pa.Table]]:
    """Of each batch its part of training, validation and test, words as ids."""
    start = 0
    for batch in groups.batches():
        here = places[start : start + len(batch)]
        start += len(batch)
        table = with_ids(batch, vocabulary)
        yield [table.filter(pa.array(here == i)) for i in range(3)]


def without_word(reviews: Reviews, vocabulary: Vocabulary) -> Reviews:
    """The reviews with every form of `spoiler` made an unknown word, which is no feature."""
    named = np.array(["spoil" in word.casefold() for word in vocabulary.words])
    return replace(reviews, ids=np.where(named[reviews.ids], UNKNOWN, reviews.ids).astype(np.int32))


Trial = dict[str, tuple[float, np.ndarray]]  # model -> average precision, and that of each resample


def trial(divided: Divided, parts: list[Reviews], settings: Params) -> Trial:
    train, validation, test = parts
    models = fit(train, validation, len(divided.vocabulary), settings.baseline)
    found = models.probabilities(test)
    return {
        name: (
            average_precision(test.labels, found[name]),
            divided.resamples.apply(Ranking(test.labels, found[name]).average_precision),
        )
        for name in ("tfidf", "length")
    }


def describe(divided: Divided, scores: Trial, confidence: float) -> dict[str, float]:
    test = divided.parts[2]
    (precision, resampled), (of_length, _) = scores["tfidf"], scores["length"]
    low, high = interval(resampled, confidence, divided.resamples.books)
    size = {"reviews": len(test), "books": divided.resamples.books}
    shares = {"of_known_books": float(divided.known.mean()), "prevalence": float(test.labels.mean())}
    precisions = {"average_precision": precision, "low": low, "high": high, "length_only": of_length}
    return size | rounded(shares | precisions)


def compare(divided: Divided, with_all: Trial, masked: Trial, confidence: float) -> dict[str, float]:
    """What is lost without the word, and how many of the test reviews have it."""
    test = divided.parts[2]
    changed = without_word(test, divided.vocabulary).ids != test.ids
    having = np.add.reduceat(changed, test.token_ends - test.lengths) > 0
    (before, resampled_before), (after, resampled_after) = with_all["tfidf"], masked["tfidf"]
    low, high = interval(resampled_before - resampled_after, confidence, divided.resamples.books)
    return rounded(
        {
            "reviews_with_word": float(having.mean()),
            "spoilers_with_word": float(having[test.labels > 0].mean()),
            "prevalence": float(test.labels.mean()),
            "average_precision": before,
            "average_precision_without": after,
            "lost": before - after,
            "lost_low": low,
            "lost_high": high,
        }
    )
