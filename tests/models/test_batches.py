"""Compare reviews in memory and batches with naive loops."""

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spoilers.core.errors import UserError
from spoilers.models.batches import (
    MULTIPLE,
    Batch,
    assemble,
    epoch_order,
    in_order_of_length,
    padded,
    padding_share,
)
from spoilers.models.segment_max import segment_max
from spoilers.text.reviews import concatenate, from_table, load, ranges
from spoilers.text.vocabulary import PADDING, UNKNOWN
from tests.rnn_data import table

SENTENCES = st.lists(st.lists(st.integers(2, 50), min_size=0, max_size=9), max_size=6)


def as_table(reviews: list[list[list[int]]], labelled: list[bool]) -> pa.Table:
    return pa.table(
        {
            "label": pa.array([bool(i % 2) for i in range(len(reviews))]),
            "ids": pa.array([[t for s in r for t in s] for r in reviews], pa.list_(pa.int32())),
            "sentence_lengths": pa.array([[len(s) for s in r] for r in reviews], pa.list_(pa.uint16())),
            "sentence_labels": pa.array(
                [[len(s) > 4 for s in r] if has else None for r, has in zip(reviews, labelled, strict=True)],
                pa.list_(pa.bool_()),
            ),
        }
    )


def naive(review: list[list[int]], has: bool, max_tokens: int) -> list[tuple[list[int], float, int]]:
    """Return each sentence's remainder, label and place after the middle has been cut out."""
    total, head = sum(map(len, review)), max_tokens // 2
    place, result = 0, []
    for number, sentence in enumerate(review):
        kept = []
        for token in sentence:
            if place < head or place >= total - (max_tokens - head):
                kept.append(token)
            place += 1
        if kept:
            result.append((kept, float(len(sentence) > 4) if has else np.nan, number))
    return result or [([UNKNOWN], np.nan, 0)]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(SENTENCES, st.booleans()), min_size=1, max_size=8), st.integers(2, 40), st.randoms()
)
def test_batches_hold_head_and_tail_of_every_review(drawn, max_tokens, random):
    texts, labelled = [r for r, _ in drawn], [has for _, has in drawn]
    expected = [naive(r, has, max_tokens) for r, has in drawn]
    whole, cut = as_table(texts, labelled), random.randint(0, len(texts))
    reviews = concatenate([from_table(part, max_tokens) for part in (whole[:cut], whole[cut:])])
    assert len(reviews) == len(texts)
    rows = np.array(random.sample(range(len(texts)), random.randint(1, len(texts))))
    batch = assemble(reviews.choose(rows))

    assert len(batch.ids) % MULTIPLE == 0
    sentences, labels = [], []
    for column, row in enumerate(rows):
        words = [t for kept, _, _ in expected[row] for t in kept]
        assert batch.ids[: len(words), column].tolist() == words
        assert (batch.ids[len(words) :, column] == PADDING).all()
        assert len(words) <= max_tokens
        check_indices(batch, column, len(words))
        sentences += [(column, [t for t in kept]) for kept, _, _ in expected[row]]
        labels += [label for _, label, _ in expected[row]]
    assert batch.review_of_sentence.tolist() == [column for column, _ in sentences]
    check_windows(batch, sentences)
    chosen = reviews.choose(rows)
    assert np.array_equal(chosen.sentence_labels, np.array(labels, np.float32), equal_nan=True)
    assert chosen.labelled_sentences == int(np.sum(~np.isnan(labels)))
    assert chosen.labels.tolist() == [float(row % 2) for row in rows]
    places = [place for row in expected for _, _, place in row]
    assert reviews.sentence_positions.tolist() == places


def check_indices(batch: Batch, column: int, length: int) -> None:
    """Check that the reversal flips the tokens and not the padding."""
    turned = batch.ids.flatten()[batch.reversal].view_as(batch.ids)[:, column]
    assert turned[:length].tolist() == batch.ids[:length, column].flip(0).tolist()
    assert (turned[length:] == PADDING).all()


def check_windows(batch: Batch, sentences: list[tuple[int, list[int]]]) -> None:
    """Check the windows of sentences, in both directions, and those of reviews."""
    ids, turned = batch.ids.flatten(), batch.ids.flatten()[batch.reversal]
    for rows, segments in zip((ids, turned), batch.sentences, strict=True):
        maxima = segment_max(rows[:, None].float(), segments)
        assert maxima[:, 0].tolist() == [max(words) for _, words in sentences]
    numbers = torch.arange(1.0, 1 + len(sentences))[:, None]
    last = [
        max(i for i, (c, _) in enumerate(sentences, 1) if c == column) for column in range(batch.ids.shape[1])
    ]
    assert segment_max(numbers, batch.reviews)[:, 0].tolist() == last


def test_choose():
    some = from_table(table(np.random.default_rng(0), 9), 1000)
    chosen = some.choose(np.array([4, 0, 4]))
    for i, row in enumerate([4, 0, 4]):
        one, same = chosen.choose(np.array([i])), some.choose(np.array([row]))
        for field, value in vars(one).items():
            assert np.array_equal(value, vars(same)[field], equal_nan=value.dtype == np.float32)
    assert chosen.lengths.tolist() == some.lengths[[4, 0, 4]].tolist()


def test_ranges():
    assert ranges(np.array([5, 0, 9]), np.array([2, 0, 3])).tolist() == [5, 6, 9, 10, 11]
    assert len(ranges(np.array([], np.int64), np.array([], np.int64))) == 0


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(1, 300), min_size=1, max_size=400),
    st.integers(1, 64),
    st.integers(0, 2**32 - 1),
    st.integers(0, 50),
)
def test_epoch_order_is_a_permutation_that_depends_on_seed_and_epoch_alone(lengths, size, seed, epoch):
    lengths = np.array(lengths)
    batches = epoch_order(lengths, size, seed, epoch)
    assert sorted(np.concatenate(batches)) == list(range(len(lengths)))
    assert sum(len(b) == size for b in batches) >= len(lengths) // size
    again = epoch_order(lengths, size, seed, epoch)
    assert all(np.array_equal(a, b) for a, b in zip(batches, again, strict=True))


def test_epochs_differ_and_pad_little():
    lengths = np.clip(np.random.default_rng(0).lognormal(4.7, 1, 6400), 1, 500).astype(int)
    batches = epoch_order(lengths, 64, 1, 0)
    first = np.concatenate(batches)
    for other in (epoch_order(lengths, 64, 1, 1), epoch_order(lengths, 64, 2, 0)):
        assert (first != np.concatenate(other)).mean() > 0.9
    shuffled = np.split(np.random.default_rng(0).permutation(6400), 100)
    assert padding_share(lengths, batches) < 0.15 < 0.5 < padding_share(lengths, shuffled)
    # Long and short batches in random order.
    means = [lengths[rows].mean() for rows in batches]
    assert abs(np.corrcoef(np.arange(100), means)[0, 1]) < 0.3


@given(st.lists(st.integers(1, 600), min_size=1, max_size=200), st.integers(1, 5000))
def test_inference_batches_hold_every_review_once_and_stay_small(lengths, most):
    lengths = np.array(lengths)
    batches = list(in_order_of_length(lengths, most))
    assert sorted(np.concatenate(batches)) == list(range(len(lengths)))
    for rows in batches:
        assert len(rows) == 1 or padded(int(lengths[rows].max())) * len(rows) <= most


def test_a_split_that_cannot_be_read_is_one_clear_line(tmp_path):
    for content in (None, b"no parquet"):
        path = tmp_path / "train.parquet"
        if content:
            path.write_bytes(content)
        with pytest.raises(UserError, match=r"train\.parquet: could not be read .*dvc repro split"):
            load(path, 10)
