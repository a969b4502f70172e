"""Turn raw sentences into the ids that a model reads, with the code of clean, tokenize and split."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from spoilers.corpus.normalise import clean_reviews
from spoilers.text.encoding import token_ids
from spoilers.text.token_table import tokenize_sentences
from spoilers.text.vocabulary import Vocabulary


@dataclass(frozen=True)
class Encoded:
    """Reviews that are not empty after cleaning, and where they and their sentences came from."""

    table: pa.Table  # like a split: label (False), ids, sentence_lengths, sentence_labels (null)
    rows: np.ndarray  # int64: the input row of each review in the table
    sentences: np.ndarray  # int64: the input sentence of each one in the table, counted over all reviews
    offsets: np.ndarray  # int64 (reviews + 1): where the sentences of each input review begin


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
