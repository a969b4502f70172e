"""A recurrent network that says whether a review spoils, and in which sentence."""

import math
from collections.abc import Iterator
from itertools import zip_longest
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spoilers.models.batches import Batch
from spoilers.models.bidirectional import BothOrders, Places, Reverse
from spoilers.models.segment_max import segment_maxima, windows
from spoilers.text.vocabulary import PADDING, UNKNOWN

Cell = Literal["lstm", "gru"]
CELLS = {"lstm": nn.LSTM, "gru": nn.GRU}


class SpoilerRNN(nn.Module):
    """Embedding -> LSTM or GRU, in one or both directions -> max over time -> one logit.

    The maximum is taken within each sentence first, where a second linear layer reads it, and
    then over the review's sentences: the same as the maximum over the whole review.

    A review's logits do not depend on the batch it is in: padding stands after the last token,
    for the backward direction too (each review is reversed by its own length), and is in none
    of the maxima.
    """

    def __init__(
        self,
        vocabulary_size: int,
        cell: Cell,
        embedding_size: int = 64,
        hidden_size: int = 64,
        layers: int = 1,
        bidirectional: bool = True,
        embedding_dropout: float = 0.0,
        state_dropout: float = 0.0,
        word_dropout: float = 0.0,
    ):
        super().__init__()
        self.word_dropout = word_dropout
        self.embedding = nn.Embedding(vocabulary_size, embedding_size, padding_idx=PADDING)
        self.embedding_dropout = embedding_dropout
        width = hidden_size * (2 if bidirectional else 1)
        sizes = [embedding_size] + [width] * (layers - 1)
        self.layer = CELLS[cell]
        self.forwards = nn.ModuleList(self.layer(size, hidden_size) for size in sizes)
        self.backwards = nn.ModuleList(self.layer(size, hidden_size) for size in sizes * bidirectional)
        self.state_dropout = state_dropout
        self.review_head = nn.Linear(width, 1)
        self.sentence_head = nn.Linear(width, 1)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Orthogonal recurrent weights, Xavier input weights, forget-gate bias 1.

        PyTorch adds two biases, so the forget gate's is 1 in one and 0 in the other (Jozefowicz
        et al., 2015, on why it should be 1 at all).
        """
        nn.init.normal_(self.embedding.weight, std=0.1)
        with torch.no_grad():
            self.embedding.weight[PADDING].zero_()
        for rnn in (*self.forwards, *self.backwards):
            gates = 4 if isinstance(rnn, nn.LSTM) else 3
            for gate in rnn.weight_hh_l0.chunk(gates):
                nn.init.orthogonal_(gate)
            for gate in rnn.weight_ih_l0.chunk(gates):
                nn.init.xavier_uniform_(gate)
            nn.init.zeros_(rnn.bias_ih_l0)
            nn.init.zeros_(rnn.bias_hh_l0)
            if isinstance(rnn, nn.LSTM):
                nn.init.ones_(rnn.bias_ih_l0.chunk(4)[1])  # PyTorch's order: input, forget, cell, output

    def set_priors(self, prevalence: float, sentence_prevalence: float | None) -> None:
        """Start from the training log-odds, so that the first steps need not learn them."""
        for head, share in ((self.review_head, prevalence), (self.sentence_head, sentence_prevalence)):
            if share and share < 1:
                nn.init.constant_(head.bias, math.log(share / (1 - share)))

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Logits of the reviews (reviews,) and of all their sentences (sentences,)."""
        tokens, *levels = windows(batch.sentence_lengths)
        maxima = [  # of each direction: (sentences, hidden)
            segment_maxima(states, [places.take(tokens), *levels])
            for states, places in self.states_and_places(batch.ids, batch.lengths)
        ]
        sentences = torch.cat(maxima, dim=1)  # (sentences, width)
        reviews = segment_maxima(sentences, windows(batch.sentence_counts))  # (reviews, width)
        mask = self.locked_mask(reviews, self.state_dropout)
        if mask is not None:
            reviews = reviews * mask
            sentences = sentences * mask.repeat_interleave(batch.sentence_counts, dim=0)
        return self.review_head(reviews).squeeze(1), self.sentence_head(sentences).squeeze(1)

    def states(self, ids: Tensor, lengths: Tensor) -> list[Tensor]:
        """The last layer's states in each direction at all real tokens: (real tokens, hidden)."""
        return [states[places] for states, places in self.states_and_places(ids, lengths)]

    def states_and_places(self, ids: Tensor, lengths: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Of each direction the last layer's states (tokens * reviews, hidden) and the real tokens' rows."""
        if self.training and self.word_dropout:
            dropped = torch.rand(ids.shape, device=ids.device) < self.word_dropout
            ids = ids.masked_fill(dropped, UNKNOWN)  # padding too, which is never read
        states = Lookup.apply(self.embedding.weight, ids)  # (tokens, reviews, size)
        places = Places(*ids.shape, lengths)
        for layer, (forward, backward) in enumerate(zip_longest(self.forwards, self.backwards)):
            last = layer == len(self.forwards) - 1
            mask = self.locked_mask(states, self.state_dropout if layer else self.embedding_dropout)
            if backward:
                states, reversed_states = BothOrders.apply(states, mask, places.reversal)
            elif mask is not None:
                states = states * mask
            out = forward(states)[0]  # (tokens, reviews, hidden)
            if last:
                yield out.flatten(0, 1), places.of_tokens
            if backward:
                back = backward(reversed_states)[0]
                if last:
                    yield back.flatten(0, 1), places.of_reversed
                else:
                    out = torch.cat([out, Reverse.apply(back, places.reversal)], dim=-1)
            states = out

    def locked_mask(self, states: Tensor, share: float) -> Tensor | None:
        """Drops the same features at all times and sentences of a review (Gal and Ghahramani, 2016).

        (..., reviews, width) -> (reviews, width). To draw a mask for all times costs a tenth of a step.
        What it keeps, it scales up to the mean of all.
        """
        if not self.training or not share:
            return None
        mask = torch.rand(states.shape[-2:], device=states.device) >= share
        return (mask / (1 - share)).to(states.dtype)


class Lookup(torch.autograd.Function):
    """Rows of a table (words, size) by ids of any shape: (*ids, size).

    `index_add_` sums the gradient in half the time of the embedding's own, if its ids are int64.
    """

    @staticmethod
    def forward(ctx, table: Tensor, ids: Tensor) -> Tensor:
        ctx.save_for_backward(ids)
        ctx.words = len(table)
        return F.embedding(ids, table)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, None]:
        if not ctx.needs_input_grad[0]:
            return None, None
        (ids,) = ctx.saved_tensors
        rows = gradient.new_zeros(ctx.words, gradient.shape[-1])
        return rows.index_add_(0, ids.flatten().long(), gradient.flatten(0, -2)), None


def count_parameters(model: SpoilerRNN) -> dict[str, int]:
    """Numbers in the recurrent cells, in the embedding, and in all."""
    cells = sum(p.numel() for rnn in (*model.forwards, *model.backwards) for p in rnn.parameters())
    return {
        "cell": cells,
        "embedding": model.embedding.weight.numel(),
        "total": sum(p.numel() for p in model.parameters()),
    }
