"""Word vectors are the rows of the weight, scaled, with the same dropout at every token of a review."""

import pytest
import torch

from spoilers.models.embedding import ScaledEmbedding
from spoilers.text.vocabulary import PADDING

IDS = torch.tensor([[2, 5], [3, 2], [2, 2], [4, PADDING]])  # (tokens, reviews)


def an_embedding(dropout: float = 0.0) -> ScaledEmbedding:
    torch.manual_seed(1)
    return ScaledEmbedding(6, 16, dropout)


def test_vectors_are_rows_times_the_root_of_their_size():
    embedding = an_embedding()
    assert torch.equal(embedding(IDS), 4 * embedding.weight[IDS])
    assert not embedding(IDS)[3, 1].any(), "padding is zero"


def test_sgd_moves_a_vector_by_the_square_of_the_factor():
    embedding, plain = an_embedding(), torch.nn.Embedding(6, 16, PADDING)
    with torch.no_grad():
        plain.weight.copy_(embedding.scale * embedding.weight)
    before, moves = plain(IDS).detach(), []
    for layer in (embedding, plain):
        (layer(IDS) ** 2).sum().backward()
        torch.optim.SGD(layer.parameters(), 0.01).step()
        moves.append(layer(IDS).detach() - before)
    assert moves[1].any()
    torch.testing.assert_close(moves[0], 16 * moves[1])


def test_dropout_is_the_same_at_every_token_and_only_in_training():
    embedding = an_embedding(dropout=0.5)
    found = embedding(IDS)[:, 0].detach()  # (tokens, size) of the first review
    dropped = found == 0
    assert 0 < dropped[0].sum() < 16 and (dropped == dropped[0]).all()
    full = embedding.eval()(IDS)
    assert torch.equal(full, 4 * embedding.weight[IDS])
    torch.testing.assert_close(found, full[:, 0].masked_fill(dropped, 0) / 0.5)


def test_the_first_weights_have_the_stated_deviation():
    weight = an_embedding().weight
    many = ScaledEmbedding(20_000, 8, 0.0).weight[PADDING + 1 :]
    assert not weight[PADDING].any()
    assert many.std().item() == pytest.approx(ScaledEmbedding.DEVIATION, rel=0.02)
