"""Detect which reviews spoil, and where."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from spoilers.corpus.layouts import parse_text
from spoilers.models.folder import SavedModel, load
from spoilers.prediction.batches import batches
from spoilers.prediction.encoding import Encoded, encode
from spoilers.text.reviews import from_table
from spoilers.text.token_table import LONGEST_SENTENCE

HIDDEN = "\N{FULL BLOCK}"


class CutReview(NamedTuple):
    """A review split into sentences, with nothing but white space between them."""

    text: str
    sentences: list[str]


@dataclass(frozen=True)
class Sentence:
    """A sentence of a review, with the model's verdict."""

    text: str
    probability: float | None  # None if the model read none of it, or does not score sentences
    spoils: bool
    read: bool  # False if the model left out part of it, as in a very long review

    @property
    def hidden(self) -> bool:
        """Return whether it spoils or was not read in full."""
        return self.spoils or not self.read


@dataclass(frozen=True)
class Prediction:
    """A model's verdict on one review."""

    text: str  # without the tags and the banner with which reviewers mark spoilers
    probability: float | None  # of a spoiler; None if the text has nothing to read
    spoiler: bool  # the probability reaches the model's threshold
    sentences: tuple[Sentence, ...]

    def pieces(self) -> Iterator[tuple[str, Sentence | None]]:
        """Yield pairs (white space, the sentence after it); the last is (rest of the text, None)."""
        end = 0
        for sentence in self.sentences:
            start = self.text.index(sentence.text, end)
            yield self.text[end:start], sentence
            end = start + len(sentence.text)
        yield self.text[end:], None

    def redacted(self) -> str:
        """Return the text, with each character of a hidden sentence replaced by a block."""
        parts = []
        for gap, sentence in self.pieces():
            parts.append(gap)
            if sentence:
                parts.append(re.sub(r"\S", HIDDEN, sentence.text) if sentence.hidden else sentence.text)
        return "".join(parts)


@dataclass(frozen=True)
class Scores:
    """Probabilities of many reviews; NaN where the model read nothing."""

    reviews: np.ndarray  # float64 (reviews)
    sentences: np.ndarray  # float64 (sentences), review after review
    read: np.ndarray  # bool (sentences): False where the model left out part of the sentence
    offsets: np.ndarray  # int64 (reviews + 1): where the sentences of each review begin

    def of(self, row: int) -> tuple[float, np.ndarray, np.ndarray]:
        """Return a review's probability, its sentences', and which of those were read."""
        sentences = slice(*self.offsets[row : row + 2])
        return self.reviews[row], self.sentences[sentences], self.read[sentences]


class SpoilerDetector:
    """A trained model, ready for new reviews.

        detector = SpoilerDetector.load("data/models/lstm")
        for prediction in detector.predict(["The butler did it.", "A slow start."]):
            print(prediction.probability, prediction.spoiler, prediction.redacted())

    It never changes after loading, so threads may share one.
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
        """Return the kind of model: lstm, gru or baseline."""
        return self.model.manifest.model

    @property
    def threshold(self) -> float:
        """Return the probability at which a review counts as a spoiler, chosen on validation."""
        return self.model.threshold

    def predict(self, texts: Iterable[str]) -> list[Prediction]:
        """Predict for each text, in order. Any `str` is allowed."""
        if isinstance(texts, str):
            raise TypeError("texts must be a list of texts; for a single one, give [text]")
        return [found for batch in batches(map(review_of, texts)) for found in self.judge(batch)]

    def judge(self, reviews: list[CutReview]) -> list[Prediction]:
        """Predict for a batch of reviews already cut into sentences."""
        scores = self.score(self.encode([review.sentences for review in reviews]))
        return [self.conclude(review, *scores.of(row)) for row, review in enumerate(reviews)]

    def conclude(
        self, review: CutReview, probability: float, of_sentences: np.ndarray, read: np.ndarray
    ) -> Prediction:
        """Return the verdicts on one review and its sentences.

        Sentences have a threshold of their own. If the review is a spoiler but no sentence reaches it, the
        likeliest counts as spoiling. Without sentence scores, each gets the review's verdict.
        """
        spoiler = bool(probability >= self.threshold)
        if self.model.sentence_threshold is None:
            spoils = np.full(len(of_sentences), spoiler)
        else:
            spoils = of_sentences >= self.model.sentence_threshold
            if spoiler and not spoils.any():
                spoils[np.nanargmax(of_sentences)] = True
        parts = zip(review.sentences, map(known, of_sentences), spoils.tolist(), read.tolist(), strict=True)
        return Prediction(review.text, known(probability), spoiler, tuple(Sentence(*part) for part in parts))

    def encode(self, reviews: list[list[str]]) -> Encoded:
        """Clean, tokenize and encode reviews given as lists of sentences."""
        manifest = self.model.manifest
        return encode(reviews, self.model.vocabulary, manifest.mask_spoiler_word, manifest.lowercase)

    def score(self, encoded: Encoded) -> Scores:
        """Run the model."""
        offsets = encoded.offsets
        unknown = np.full(len(offsets) - 1, np.nan), np.full(offsets[-1], np.nan)
        scores = Scores(*unknown, np.full(offsets[-1], True), offsets)
        if len(encoded.rows) == 0:
            return scores
        reviews = from_table(encoded.table, self.model.max_tokens)
        scores.reviews[encoded.rows], of_sentences = self.model.probabilities(reviews)
        lists = encoded.table["sentence_lengths"].combine_chunks()
        places = (
            np.repeat(lists.offsets.to_numpy()[:-1], reviews.sentence_counts) + reviews.sentence_positions
        )
        if self.model.sentence_threshold is not None:
            scores.sentences[encoded.sentences[places]] = of_sentences
        lengths = lists.flatten().to_numpy()
        tokens_read = np.zeros(len(lengths), np.int64)
        tokens_read[places] = reviews.sentence_lengths
        scores.read[encoded.sentences] = (tokens_read >= lengths) & (lengths < LONGEST_SENTENCE)
        return scores


def review_of(text: str) -> CutReview:
    """Cut a text into sentences; an unpaired surrogate, which is not a character, becomes `?`.

    Raises:
        TypeError: it is not a `str`.
    """
    if not isinstance(text, str):
        raise TypeError(f"a text must be a str, not {type(text).__name__}")
    parts = parse_text(text.encode(errors="replace").decode())
    return CutReview(parts.plain, parts.sentences)


def known(probability: float) -> float | None:
    return None if np.isnan(probability) else float(probability)
