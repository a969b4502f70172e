"""Label leakage: a book or sentence on both sides of a split, warnings, and the word `spoiler`.

It is measured on TF-IDF with logistic regression, which trains in seconds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spoilers.core.errors import UserError
from spoilers.core.hashing import hash_share
from spoilers.core.params import Params
from spoilers.metrics.evaluation import rounded
from spoilers.metrics.intervals import Ranking, Resamples, interval
from spoilers.metrics.scores import average_precision
from spoilers.models.baselines import WHOLE, Baselines, fit
from spoilers.studies.announcements import announces, without_sentences, without_word
from spoilers.studies.copies import of_copies, sentence_hashes
from spoilers.text.encoding import token_ids
from spoilers.text.reviews import Reviews, concatenate, from_table
from spoilers.text.splits import assign_splits, check_classes, make_vocabulary
from spoilers.text.token_table import RowGroups
from spoilers.text.vocabulary import Vocabulary

MOST = 50_000  # reviews, of whole books: enough to see a leak


COLUMNS = ["book_id", "label", "tokens", "sentence_lengths", "sentence_labels"]


@dataclass(frozen=True)
class Part:
    """Training, validation or test."""

    reviews: Reviews
    books: pa.Array  # (reviews)
    hashes: np.ndarray  # uint64 (sentences)


@dataclass(frozen=True)
class Divided:
    """The same reviews, split in one way."""

    parts: list[Part]  # training, validation, test
    vocabulary: Vocabulary
    resamples: Resamples  # of the test books

    @property
    def reviews(self) -> list[Reviews]:
        return [part.reviews for part in self.parts]


def measure(source: Path, settings: Params) -> dict:
    """Score the baseline on a split by book, also with some cues hidden, and on a random split.

    Return `splits`, the scores by kind of split; and for the split by book, `word`, the score lost without
    the word `spoiler`, `warnings`, the score lost without sentences that announce a spoiler, and `copies`,
    the scores on new sentences. A split that leaves a part without one of the classes is omitted; without
    the split by book, the other three are None.
    """
    groups, confidence = RowGroups(source), settings.evaluate.confidence
    found: dict = {"splits": {}, "word": None, "warnings": None, "copies": None}
    for by in ("book", "random"):
        try:
            divided = divide(groups, by, settings)
        except UserError:
            continue
        models, scores = trial(divided, divided.reviews, settings)
        found["splits"][by] = describe(divided, scores, confidence)
        if by == "book":
            hidden = {
                "word": [without_word(part, divided.vocabulary) for part in divided.reviews],
                "warnings": [
                    without_sentences(part, announces(part, divided.vocabulary)) for part in divided.reviews
                ],
            }
            for what, parts in hidden.items():
                less = trial(divided, parts, settings)[1]
                found[what] = compare(divided, parts[2], scores, less, confidence)
            found["copies"] = copies(divided, models, confidence)
    return found


def divide(groups: RowGroups, by: str, settings: Params) -> Divided:
    """Split the reviews as the stage `split` does, but by books or at random.

    Raises:
        UserError: a part is empty or has a single class.
    """
    split = settings.split.model_copy(update={"by": by})
    kept = whole_books(groups.column("book_id").combine_chunks())
    places = np.where(kept, assign_splits(groups, split, settings.seed), -1)
    check_classes(places, groups.column("label").to_numpy(), split)
    vocabulary = make_vocabulary(groups, places, split.vocabulary, settings.machine.workers)
    batches = list(kept_parts(groups, places, vocabulary))
    parts = [joined([batch[i] for batch in batches]) for i in range(3)]
    books = parts[2].books.dictionary_encode().indices.to_numpy()
    return Divided(parts, vocabulary, Resamples.of(books, settings.evaluate.bootstrap, settings.seed))


def whole_books(books: pa.Array) -> np.ndarray:
    """Return which reviews to use: about `MOST`, chosen by a hash of the book."""
    books = books.dictionary_encode()
    shares = np.array([hash_share(book, b"0", b"") for book in books.dictionary.to_pylist()])
    return shares[books.indices.to_numpy()] < MOST / len(books)


def kept_parts(groups: RowGroups, places: np.ndarray, vocabulary: Vocabulary) -> Iterator[list[Part]]:
    """Yield each batch's parts of training, validation and test."""
    start = 0
    for batch in groups.batches(COLUMNS):
        here = places[start : start + len(batch)]
        start += len(batch)
        if (here >= 0).any():
            yield [part_of(batch.filter(pa.array(here == i)), vocabulary) for i in range(3)]


def part_of(batch: pa.RecordBatch, vocabulary: Vocabulary) -> Part:
    """Return a batch's reviews that have any tokens."""
    batch = batch.filter(pc.greater(pc.list_value_length(batch["tokens"]), 0))
    lengths = batch["sentence_lengths"].flatten().to_numpy()
    columns = {name: batch[name] for name in ("label", "sentence_lengths", "sentence_labels")}
    table = pa.table({**columns, "ids": token_ids(batch["tokens"], vocabulary)})
    hashes = sentence_hashes(batch["tokens"], lengths)[lengths > 0]  # empty sentences are left out
    return Part(from_table(table, WHOLE), batch["book_id"], hashes)


def joined(parts: list[Part]) -> Part:
    return Part(
        concatenate([part.reviews for part in parts]),
        pa.concat_arrays([part.books for part in parts]),
        np.concatenate([part.hashes for part in parts]),
    )


Trial = dict[str, tuple[float, np.ndarray]]  # model -> average precision, and that of each resample


def trial(divided: Divided, parts: list[Reviews], settings: Params) -> tuple[Baselines, Trial]:
    """Fit the models on the parts; return them and their scores on the test part."""
    train, validation, test = parts
    models = fit(train, validation, len(divided.vocabulary), settings.baseline)
    found = models.probabilities(test)
    scores = {
        name: (
            average_precision(test.labels, found[name]),
            divided.resamples.apply(Ranking(test.labels, found[name]).average_precision),
        )
        for name in ("tfidf", "length")
    }
    return models, scores


def describe(divided: Divided, scores: Trial, confidence: float) -> dict[str, float]:
    """Return the scores of TF-IDF and of length alone, and facts on the test reviews."""
    train, _, test = divided.parts
    labels = test.reviews.labels
    known = pc.is_in(test.books, train.books.unique()).to_numpy(zero_copy_only=False)
    (precision, resampled), (of_length, _) = scores["tfidf"], scores["length"]
    low, high = interval(resampled, confidence, divided.resamples.books)
    size = {"reviews": len(labels), "books": divided.resamples.books}
    shares = {"of_known_books": float(known.mean()), "prevalence": float(labels.mean())}
    precisions = {"average_precision": precision, "low": low, "high": high, "length_only": of_length}
    return size | rounded(shares | precisions)


def compare(
    divided: Divided, masked: Reviews, with_all: Trial, without: Trial, confidence: float
) -> dict[str, float]:
    """Return the score lost by hiding a cue, and how many test reviews have the cue.

    Args:
        masked: the test reviews with the cue hidden.
    """
    test = divided.reviews[2]
    having = np.add.reduceat(masked.ids != test.ids, test.token_ends - test.lengths) > 0
    (before, resampled_before), (after, resampled_after) = with_all["tfidf"], without["tfidf"]
    low, high = interval(resampled_before - resampled_after, confidence, divided.resamples.books)
    return rounded(
        {
            "reviews_with": float(having.mean()),
            "spoilers_with": float(having[test.labels > 0].mean()),
            "prevalence": float(test.labels.mean()),
            "average_precision": before,
            "average_precision_without": after,
            "lost": before - after,
            "lost_low": low,
            "lost_high": high,
        }
    )


def copies(divided: Divided, models: Baselines, confidence: float) -> dict:
    """Return how many test sentences occur in training, and the scores of TF-IDF without them."""
    train, _, test = divided.parts
    copied = np.isin(test.hashes, np.unique(train.hashes))
    probabilities = (
        models.probabilities(test.reviews)["tfidf"],
        models.sentence_probabilities(test.reviews),
    )
    return of_copies(test.reviews, copied, probabilities, divided.resamples, confidence)
