"""Says of reviews whether they spoil, and where."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from spoilers.corpus.layouts import take_apart
from spoilers.models.folder import SavedModel, load
from spoilers.prediction.batches import batches
from spoilers.prediction.encoding import Encoded, encode
from spoilers.text.reviews import from_table

HIDDEN = "\N{FULL BLOCK}"


class CutReview(NamedTuple):
    """A review as the detector takes it: white space alone lies between its sentences."""

    text: str
    sentences: list[str]


@dataclass(frozen=True)
class Sentence:
    text: str
    probability: (
        float | None
    )  # None where the model did not read it: nothing was in it, or the review is long
    spoils: bool


@dataclass(frozen=True)
class Prediction:
    """What a model says of one review."""

    text: str  # without the tags and the banner by which reviewers mark spoilers themselves
    probability: float | None  # of a spoiler; None where the text has nothing to read
    spoiler: bool  # the probability reaches the model's threshold
    sentences: tuple[Sentence, ...]

    def pieces(self) -> Iterator[tuple[str, Sentence | None]]:
        """Each sentence behind the white space before it; at last the white space after them, and None."""
        end = 0
        for sentence in self.sentences:
            start = self.text.index(sentence.text, end)
            yield self.text[end:start], sentence
            end = start + len(sentence.text)
        yield self.text[end:], None

    def redacted(self) -> str:
        """The text with a block in place of each letter of the sentences that spoil."""
        parts = []
        for gap, sentence in self.pieces():
            parts.append(gap)
            if sentence:
                parts.append(re.sub(r"\S", HIDDEN, sentence.text) if sentence.spoils else sentence.text)
        return "".join(parts)


@dataclass(frozen=True)
class Scores:
    """Probabilities of many reviews; NaN where the model read nothing."""

    reviews: np.ndarray  # float64 (reviews)
    sentences: np.ndarray  # float64 (sentences), those of one review after the other
    offsets: np.ndarray  # int64 (reviews + 1): where the sentences of each review begin

    def of_sentences(self, row: int) -> np.ndarray:
        return self.sentences[self.offsets[row] : self.offsets[row + 1]]


class SpoilerDetector:
    """A trained model, ready for new reviews.

        detector = SpoilerDetector.load("data/models/lstm")
        for prediction in detector.predict(["The butler did it.", "A slow start."]):
            print(prediction.probability, prediction.spoiler, prediction.redacted())

    Nothing in it changes after loading: threads may share one.
    """

    def __init__(self, model: SavedModel):
        self.model = model

    @classmethod
    def load(cls, folder: Path | str) -> "SpoilerDetector":
        """Load a model from its folder, which may have been copied from elsewhere.

        Raises:
            UserError: the folder is not a model's, is incomplete or damaged, or of another version.
        """
        return cls(load(Path(folder)))

    @property
    def name(self) -> str:
        """The kind of model: lstm, gru or baseline."""
        return self.model.manifest.model

    @property
    def threshold(self) -> float:
        """The probability from which a review is called a spoiler; chosen on the validation reviews."""
        return self.model.threshold

    def predict(self, texts: Iterable[str]) -> list[Prediction]:
        """Predict for each text, in order. A text may hold whatever a `str` can."""
        if isinstance(texts, str):
            raise TypeError("texts must be a list of texts; for a single one, give [text]")
        return [found for batch in batches(map(review_of, texts), characters) for found in self.judge(batch)]

    def judge(self, reviews: list[CutReview]) -> list[Prediction]:
        """Predict for a batch of reviews that are cut into sentences."""
        scores = self.score(self.encode([review.sentences for review in reviews]))
        return [
            self.conclude(review, scores.reviews[row], scores.of_sentences(row))
            for row, review in enumerate(reviews)
        ]

    def conclude(self, review: CutReview, probability: float, of_sentences: np.ndarray) -> Prediction:
        """The verdicts on one review and its sentences.

        Sentences have a threshold of their own. Where the review is called a spoiler and none of them
        reaches it, the likeliest counts as spoiling; all do, when the model knows nothing of sentences.
        """
        spoiler = bool(probability >= self.threshold)
        if self.model.sentence_threshold is None:
            spoils = np.full(len(of_sentences), spoiler)
        else:
            spoils = of_sentences >= self.model.sentence_threshold
            if spoiler and not spoils.any():
                spoils[np.nanargmax(of_sentences)] = True
        parts = zip(review.sentences, of_sentences, spoils, strict=True)
        sentences = (Sentence(text, known(value), bool(spoil)) for text, value, spoil in parts)
        return Prediction(review.text, known(probability), spoiler, tuple(sentences))

    def encode(self, reviews: list[list[str]]) -> Encoded:
        """Clean, cut into tokens and number reviews given as lists of sentences."""
        manifest = self.model.manifest
        return encode(reviews, self.model.vocabulary, manifest.mask_spoiler_word, manifest.lowercase)

    def score(self, encoded: Encoded) -> Scores:
        """Run the model."""
        offsets = encoded.offsets
        scores = Scores(np.full(len(offsets) - 1, np.nan), np.full(offsets[-1], np.nan), offsets)
        if len(encoded.rows) == 0:
            return scores
        reviews = from_table(encoded.table, self.model.max_tokens)
        scores.reviews[encoded.rows], of_sentences = self.model.probabilities(reviews)
        if self.model.sentence_threshold is not None:
            starts = encoded.table["sentence_lengths"].combine_chunks().offsets.to_numpy()[:-1]
            places = np.repeat(starts, reviews.sentence_counts) + reviews.sentence_places
            scores.sentences[encoded.sentences[places]] = of_sentences
        return scores


def review_of(text: str) -> CutReview:
    """Cut a text into sentences; half a surrogate pair, which is no character, becomes a question mark."""
    parts = take_apart(text.encode(errors="replace").decode())
    return CutReview(parts.plain, parts.sentences)


def characters(review: CutReview) -> int:
    """How long the sentences of a review are, or of a row that has sentences."""
    return sum(map(len, review.sentences))


def known(probability: float) -> float | None:
    return None if np.isnan(probability) else float(probability)
