"""From sentences as people write them to the ids a model reads, by the code of clean, tokenize and split."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from spoilers.corpus.normalise import clean_reviews
from spoilers.text.encoding import token_ids
from spoilers.text.token_table import tokenize_sentences
from spoilers.text.vocabulary import Vocabulary


@dataclass(frozen=True)
class Encoded:
    """Reviews of which something is left after cleaning, and where they and their sentences come from."""

    table: pa.Table  # as a split's: label (False), ids, sentence_lengths, sentence_labels (null)
    rows: np.ndarray  # int64: the row that each review of the table was
    sentences: np.ndarray  # int64: the sentence, counted over all reviews, that each one of the table was
    offsets: np.ndarray  # int64 (reviews + 1): where the sentences of each review began


def encode(
    reviews: list[list[str]], vocabulary: Vocabulary, mask_spoiler_word: bool, lowercase: bool
) -> Encoded:
    """Encode reviews given as lists of sentences."""
    sentences, filled = clean_reviews(reviews, mask_spoiler_word)
    rows = np.flatnonzero(np.diff(sentences.offsets.to_numpy()))
    tokens, sentence_lengths = tokenize_sentences(sentences.take(pa.array(rows)), lowercase)
    table = pa.table(
        {
            "label": pa.array(np.zeros(len(rows), bool)),
            "ids": token_ids(tokens, vocabulary),
            "sentence_lengths": sentence_lengths,
            "sentence_labels": pa.nulls(len(rows), pa.list_(pa.bool_())),
        }
    )
    offsets = np.cumsum([0, *map(len, reviews)])
    return Encoded(table, rows, np.flatnonzero(filled), offsets)
