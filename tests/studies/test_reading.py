"""The sentences of one review: their probabilities and their descriptions."""

import numpy as np
import pytest
import torch

from spoilers.models.network import SpoilerRNN
from spoilers.models.scoring import score, sigmoid
from spoilers.studies.reading import read, sentences_of
from spoilers.text.vocabulary import UNKNOWN
from tests.rnn_data import WORDS, reviews


def test_sentences_have_the_probabilities_of_the_whole_batch() -> None:
    torch.manual_seed(1)
    model, some = SpoilerRNN(WORDS, "gru", 8, 6), reviews(3, 12)
    together = sigmoid(score(model, some, torch.device("cpu"), "float32").sentences)
    starts = some.sentence_ends - some.sentence_counts
    for row, (start, end) in enumerate(zip(starts, some.sentence_ends, strict=True)):
        assert read(model, some.choose(np.array([row]))) == pytest.approx(together[start:end], abs=1e-4)


def test_sentences_have_their_own_words() -> None:
    some, words = reviews(3, 12), [f"w{i}" for i in range(WORDS)]
    some.ids[:3] = UNKNOWN
    for row in range(len(some)):
        review = some.choose(np.array([row]))
        found = sentences_of(review, words)
        assert " ".join(sentence["text"] for sentence in found).split() == [words[i] for i in review.ids]
        assert [sentence["tokens"] for sentence in found] == review.sentence_lengths.tolist()
        assert [sentence["flagged"] for sentence in found] == (review.sentence_labels == 1).tolist()
        assert sum(sentence["unknown"] for sentence in found) == (3 if row == 0 else 0)
    assert "text" not in sentences_of(some.choose(np.array([0])), None)[0]
