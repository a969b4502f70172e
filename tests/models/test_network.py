"""The network is exact: its output for a review depends on that review alone."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from spoilers.core import params
from spoilers.models.batches import Batch, assemble
from spoilers.models.build import build
from spoilers.models.counts import count_parameters
from spoilers.models.network import CELLS, SpoilerRNN
from spoilers.text.reviews import Reviews
from spoilers.text.vocabulary import PADDING, UNKNOWN
from spoilers.training.loss import targets_and_weights, weighted_loss
from tests import ROOT
from tests.rnn_data import WORDS, reviews

SHAPES = [(c, n, b) for c in CELLS for n in (1, 2) for b in (True, False)]
every_shape = pytest.mark.parametrize(("cell", "layers", "bidirectional"), SHAPES)
both_ways = pytest.mark.parametrize("in_one_call", [False, True])  # as on a CPU, and as on a GPU


def make(cell: str, layers: int = 1, bidirectional: bool = True, **changes) -> SpoilerRNN:
    torch.manual_seed(3)
    sizes = {"embedding_size": 6, "hidden_size": 5, **changes}
    model = SpoilerRNN(WORDS, cell, layers=layers, bidirectional=bidirectional, **sizes)
    with torch.no_grad():  # biases too, so that the states at padding are far from zero
        for parameter in model.parameters():
            parameter.uniform_(-0.9, 0.9)
        model.embedding.weight[PADDING].zero_()
    return model.eval()


def padded_further(batch: Batch, tokens: int) -> Batch:
    """Return the batch with more padding after every review; the tokens' rows stay the same."""
    ids = torch.cat([batch.ids, torch.full((tokens, batch.ids.shape[1]), PADDING)])
    if batch.padding is not None:
        added = torch.ones(tokens, *batch.padding.shape[1:])
        return batch._replace(ids=ids, padding=torch.cat([batch.padding, added]))
    rows = torch.arange(batch.ids.numel(), ids.numel())
    return batch._replace(ids=ids, reversal=torch.cat([batch.reversal, rows]))


def known_of(some: Reviews, **changes: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the targets and the weights of all reviews and sentences as one batch."""
    settings = params.load(ROOT / "params.yaml").train.model_copy(update=changes)
    counts = len(some), some.labelled_sentences
    known = targets_and_weights(some.labels, some.sentence_labels, *counts, settings)
    return torch.from_numpy(known[0]), torch.from_numpy(known[1])


@every_shape
@both_ways
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_a_review_scores_the_same_alone_and_in_any_batch_with_any_padding(
    cell, layers, bidirectional, in_one_call, data
):
    model = make(cell, layers, bidirectional)
    seed = data.draw(st.integers(0, 10**6))
    some = reviews(seed, data.draw(st.integers(1, 9)), longest=data.draw(st.sampled_from([5, 40, 90])))
    order = np.array(data.draw(st.permutations(range(len(some)))))
    batch = padded_further(
        assemble(some.choose(order), in_one_call=in_one_call), data.draw(st.integers(0, 40))
    )
    with torch.inference_mode():
        together = [torch.sigmoid(logits) for logits in model(batch)]
        each = (some.choose(order[i : i + 1]) for i in range(len(order)))
        alone = [model(assemble(one, in_one_call=in_one_call)) for one in each]
    for kind in (0, 1):
        expected = torch.sigmoid(torch.cat([logits[kind] for logits in alone]))
        assert torch.allclose(together[kind], expected, atol=1e-6, rtol=0)


def own_layer_of_pytorch(model: SpoilerRNN, cell: str) -> nn.RNNBase:
    """Return PyTorch's LSTM or GRU, with its own layers and directions, and the model's weights."""
    bidirectional, layers = bool(model.rnn.backwards), len(model.rnn.forwards)
    first = model.rnn.forwards[0]
    rnn = CELLS[cell](first.input_size, first.hidden_size, layers, bidirectional=bidirectional)
    with torch.no_grad():
        for ours, suffix in ((model.rnn.forwards, ""), (model.rnn.backwards, "_reverse")):
            for layer, part in enumerate(ours):
                for name, value in part.named_parameters():
                    getattr(rnn, name.replace("_l0", f"_l{layer}{suffix}")).copy_(value)
    return rnn


def reference(model: SpoilerRNN, cell: str, some: Reviews) -> tuple[torch.Tensor, torch.Tensor]:
    """Compute the same with PyTorch's own layer on packed sequences and loops over the sentences."""
    batch, lengths = assemble(some), torch.from_numpy(some.lengths)
    rnn = own_layer_of_pytorch(model, cell)
    packed = pack_padded_sequence(model.embedding(batch.ids), lengths, enforce_sorted=False)
    states = pad_packed_sequence(rnn(packed)[0])[0]  # (longest review, reviews, width)
    left, review_maxima, sentence_maxima = some.sentence_lengths.tolist(), [], []
    for i, count in enumerate(some.sentence_counts.tolist()):
        start, maxima = 0, []
        for length in left[:count]:
            maxima.append(states[start : start + length, i].max(0).values)
            start += length
        assert start == lengths[i]
        left = left[count:]
        sentence_maxima += maxima
        review_maxima.append(states[:start, i].max(0).values)
    review = model.review_head(torch.stack(review_maxima))
    return review.squeeze(1), model.sentence_head(torch.stack(sentence_maxima)).squeeze(1)


@every_shape
@both_ways
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_equals_packed_sequences(cell, layers, bidirectional, in_one_call, seed):
    model = make(cell, layers, bidirectional)
    some = reviews(seed, 7, longest=50)
    batch = assemble(some, in_one_call=in_one_call)
    with torch.inference_mode():
        for ours, theirs in zip(model(batch), reference(model, cell, some), strict=True):
            assert torch.allclose(ours, theirs, atol=1e-5, rtol=0)


@every_shape
@both_ways
@pytest.mark.parametrize("read_padding", [False, True])
def test_the_last_state_is_pytorchs_own(cell, layers, bidirectional, in_one_call, read_padding):
    """Compare states and gradients, on packed sequences or with padding read as words."""
    model = make(cell, layers, bidirectional, pooling="last", read_padding=read_padding)
    some = reviews(8, 7, longest=50)
    batch, lengths = assemble(some, read_padding, in_one_call), torch.from_numpy(some.lengths)
    assert len(set(some.lengths)) > 3
    rnn, embedded = own_layer_of_pytorch(model, cell), model.embedding(batch.ids)
    sequences = embedded if read_padding else pack_padded_sequence(embedded, lengths, enforce_sorted=False)
    last = rnn(sequences)[1]
    last = last[0] if cell == "lstm" else last  # (layers * directions, reviews, hidden)
    directions = 2 if bidirectional else 1
    expected = model.review_head(torch.cat(list(last[-directions:]), dim=1)).squeeze(1)
    found = model(batch)[0]
    assert torch.allclose(found, expected, atol=1e-5)
    ours, theirs = (torch.autograd.grad(x.sum(), model.embedding.weight)[0] for x in (found, expected))
    assert torch.allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize("read_padding", [False, True])
def test_only_where_padding_is_read_it_changes_a_review(read_padding):
    model = make("lstm", pooling="last", read_padding=read_padding)
    some = reviews(9, 8, longest=50)
    with torch.inference_mode():
        together = model(assemble(some, read_padding))[0]
        alone = torch.cat([model(assemble(some.choose(np.array([i])), read_padding))[0] for i in range(8)])
    assert torch.allclose(together, alone, atol=1e-6) is not read_padding


@every_shape
@both_ways
def test_gradients_flow_through_real_tokens_only(cell, layers, bidirectional, in_one_call):
    some = reviews(1, 6, longest=40)
    batch = assemble(some, in_one_call=in_one_call)

    def gradients(batch: Batch, padding: torch.Tensor | None = None) -> dict[str, torch.Tensor]:
        model = make(cell, layers, bidirectional)
        model.embedding.padding_idx = None  # which would hide the padding's gradient
        if padding is not None:
            with torch.no_grad():
                model.embedding.weight[PADDING] = padding
        weighted_loss(model(batch), *known_of(some)).backward()
        return {name: parameter.grad for name, parameter in model.named_parameters()}

    plain = gradients(batch)
    assert not plain["embedding.weight"][PADDING].any()
    used = np.unique(some.ids)
    assert plain["embedding.weight"][used].any()  # not of all: a word may be in none of the maxima
    others = np.setdiff1d(np.arange(WORDS), used)
    assert not plain["embedding.weight"][others].any()
    for changed in (gradients(batch, torch.full((6,), 7.0)), gradients(padded_further(batch, 32))):
        for name in plain:
            assert torch.allclose(plain[name], changed[name], atol=1e-5), name


@every_shape
@both_ways
def test_the_gradients_are_the_same_both_ways(cell, layers, bidirectional, in_one_call):
    """Compare with packed sequences and a loop of `max`."""
    model, some = make(cell, layers, bidirectional), reviews(5, 7, longest=50)
    ours = model(assemble(some, in_one_call=in_one_call))
    theirs = reference(model, cell, some)
    mine, expected = (
        torch.autograd.grad(weighted_loss(logits, *known_of(some)), model.embedding.weight)[0]
        for logits in (ours, theirs)
    )
    assert expected.abs().max() > 1e-3
    assert torch.allclose(mine, expected, atol=1e-6)


@every_shape
@both_ways
def test_what_stands_in_the_padding_changes_nothing(cell, layers, bidirectional, in_one_call):
    model, some = make(cell, layers, bidirectional), reviews(2, 6, longest=40)
    batch = assemble(some, in_one_call=in_one_call)
    padding = torch.arange(len(batch.ids))[:, None] >= torch.from_numpy(some.lengths)
    other = batch._replace(ids=batch.ids.masked_fill(padding, WORDS - 1))
    assert padding.any()
    with torch.inference_mode():
        for one, two in zip(model(batch), model(other), strict=True):
            assert torch.equal(one, two)


@pytest.mark.parametrize("cell", CELLS)
def test_initial_weights(cell):
    model = build(
        {"vocabulary_size": WORDS, "cell": cell, "embedding_size": 6, "hidden_size": 5}, reviews(3, 80), 1
    )
    for rnn in (*model.rnn.forwards, *model.rnn.backwards):
        for gate in rnn.weight_hh_l0.chunk(4 if cell == "lstm" else 3):
            assert torch.allclose(gate @ gate.T, torch.eye(5), atol=1e-5)
        bias = torch.stack([rnn.bias_ih_l0, rnn.bias_hh_l0]).sum(0)
        forget = bias.view(-1, 5)[1] if cell == "lstm" else torch.ones(5)
        assert torch.equal(forget, torch.ones(5))
        assert bias.sum() == (5 if cell == "lstm" else 0)
    assert not model.embedding.weight[PADDING].any()


def test_starts_at_the_training_log_odds():
    some = reviews(3, 80)
    arguments = {"vocabulary_size": WORDS, "cell": "lstm", "embedding_size": 6, "hidden_size": 5}
    model = build(arguments, some, 1)
    share = some.labels.mean()
    assert model.review_head.bias.item() == pytest.approx(math.log(share / (1 - share)), rel=1e-5)
    share = np.nanmean(some.sentence_labels)
    assert model.sentence_head.bias.item() == pytest.approx(math.log(share / (1 - share)), rel=1e-5)
    again, other = build(arguments, some, 1), build(arguments, some, 2)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))
    assert not torch.equal(model.embedding.weight, other.embedding.weight)


def test_word_dropout_replaces_words_in_training_alone():
    model = make("gru", word_dropout=0.9)
    batch = assemble(reviews(4, 5))
    with torch.inference_mode():
        exact = model(batch)[0]
        assert torch.equal(exact, model(batch)[0])
        model.train()
        assert not torch.equal(exact, model(batch)[0])
        dropped = model.word_dropout(batch.ids)
    changed = dropped != batch.ids
    assert (dropped[changed] == UNKNOWN).all()
    assert 0.8 < changed.float().mean() < 1


def test_state_dropout_drops_the_same_of_a_review_and_of_its_sentences():
    model = make("lstm", state_dropout=0.5)
    model.sentence_head.load_state_dict(model.review_head.state_dict())
    batch = assemble(reviews(4, 40, longest=1))  # reviews of one sentence
    assert len(batch.review_of_sentence) == 40
    with torch.inference_mode():
        exact = model(batch)[0]
        of_reviews, of_sentences = model.train()(batch)
    assert torch.allclose(of_reviews, of_sentences, atol=1e-6)
    assert not torch.allclose(of_reviews, exact)


def test_loss_counts_labelled_sentences_and_weighs_spoilers():
    some = reviews(6, 12)
    draw = torch.Generator().manual_seed(0)
    review = torch.randn(12, generator=draw)
    sentence = torch.randn(len(some.sentence_labels), generator=draw)
    has = torch.from_numpy(~np.isnan(some.sentence_labels))
    assert 0 < has.sum() == some.labelled_sentences < len(has)
    labels, sentence_labels = map(torch.from_numpy, (some.labels, some.sentence_labels))
    each = nn.functional.binary_cross_entropy_with_logits(review, labels, reduction="none")
    of_sentences = nn.functional.binary_cross_entropy_with_logits(sentence[has], sentence_labels[has])
    expected = ((1 + 2 * labels) * each).mean() + 0.25 * of_sentences
    known = known_of(some, positive_weight=3.0, sentence_weight=0.25)
    assert torch.allclose(weighted_loss((review, sentence), *known), expected)


def test_count_parameters():
    counts = count_parameters(make("lstm"))
    assert counts["cell"] == 2 * 4 * 5 * (6 + 5 + 2)
    assert counts["embedding"] == WORDS * 6
    assert counts["total"] == counts["cell"] + counts["embedding"] + 2 * (2 * 5 + 1)
