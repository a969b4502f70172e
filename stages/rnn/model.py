"""A recurrent network that says whether a review spoils, and in which sentence."""

import math
from typing import Literal

import torch
from torch import Tensor, nn

from stages.rnn.batches import Batch
from stages.text.vocabulary import PADDING, UNKNOWN

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
        self.forwards = nn.ModuleList(CELLS[cell](size, hidden_size) for size in sizes)
        self.backwards = nn.ModuleList(CELLS[cell](size, hidden_size) for size in sizes * bidirectional)
        self.state_dropout = nn.Dropout(state_dropout)
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
        maxima = [  # of each direction: (sentences, hidden)
            torch.segment_reduce(states, "max", lengths=batch.sentence_lengths, unsafe=True)
            for states in self.states(batch.ids, batch.lengths)
        ]
        maxima = torch.cat(maxima, dim=1)  # (sentences, width)
        review = torch.segment_reduce(maxima, "max", lengths=batch.sentence_counts, unsafe=True)
        review_logits = self.review_head(self.state_dropout(review)).squeeze(1)
        sentence_logits = self.sentence_head(self.state_dropout(maxima)).squeeze(1)
        return review_logits, sentence_logits

    def states(self, ids: Tensor, lengths: Tensor) -> list[Tensor]:
        """The last layer's states in each direction at all real tokens: (real tokens, hidden)."""
        if self.training and self.word_dropout:
            dropped = torch.rand(ids.shape, device=ids.device) < self.word_dropout
            ids = ids.masked_fill(dropped & (ids != PADDING), UNKNOWN)
        states = locked_dropout(self.embedding(ids), self.embedding_dropout, self.training)
        places = Places(*ids.shape, lengths)
        last = len(self.forwards) - 1
        for layer, forward in enumerate(self.forwards):
            if layer:
                states = locked_dropout(states, self.state_dropout.p, self.training)
            outputs = [forward(states)[0]]  # each (tokens, reviews, hidden)
            if self.backwards:
                outputs.append(self.backwards[layer](reverse(states, places.reversal))[0])
            if layer < last:  # both directions in the order of time again
                outputs[1:] = [reverse(out, places.reversal) for out in outputs[1:]]
                states = torch.cat(outputs, dim=-1)
        read = (places.of_tokens, places.of_reversed)
        return [take(out, place) for out, place in zip(outputs, read, strict=False)]


class Places:
    """Where tokens stand among the (tokens * reviews) rows of states, time first."""

    def __init__(self, tokens: int, reviews: int, lengths: Tensor):
        self.reviews, self.lengths = reviews, lengths
        self.time = torch.arange(tokens, device=lengths.device)
        self.review = torch.arange(reviews, device=lengths.device)
        self.real = self.time < lengths[:, None]  # (reviews, tokens)

    @property
    def reversal(self) -> Tensor:
        """Each review in reverse, by its own length; padding stays. Applied twice, nothing has changed."""
        time = self.time[:, None]  # (tokens, 1)
        source = torch.where(time < self.lengths, self.lengths - 1 - time, time)  # (tokens, reviews)
        return (source * self.reviews + self.review).flatten()

    @property
    def of_tokens(self) -> Tensor:
        """The real tokens, review by review: (real tokens)."""
        return (self.time * self.reviews + self.review[:, None])[self.real]

    @property
    def of_reversed(self) -> Tensor:
        """The same tokens where each review has been reversed."""
        time = self.lengths[:, None] - 1 - self.time  # (reviews, tokens)
        return (time * self.reviews + self.review[:, None])[self.real]


class Take(torch.autograd.Function):
    """Rows of a matrix, none of them twice: the gradient is a copy, where it is a sum in general.

    `own_inverse`: `places` is a reversal, which undoes itself.
    """

    @staticmethod
    def forward(ctx, rows: Tensor, places: Tensor, own_inverse: bool) -> Tensor:
        ctx.save_for_backward(places)
        ctx.count, ctx.own_inverse = len(rows), own_inverse
        return rows.index_select(0, places)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None, None]:
        (places,) = ctx.saved_tensors
        if ctx.own_inverse:
            return gradient.index_select(0, places), None, None
        taken = gradient.new_zeros(ctx.count, gradient.shape[1])
        return taken.index_copy_(0, places, gradient), None, None


def take(states: Tensor, places: Tensor) -> Tensor:
    """Of states (tokens, reviews, width) the rows at `places`: (places, width)."""
    return Take.apply(states.flatten(0, 1), places, False)


def reverse(states: Tensor, reversal: Tensor) -> Tensor:
    """States (tokens, reviews, width) in the order of `Places.reversal`."""
    return Take.apply(states.flatten(0, 1), reversal, True).view_as(states)


def locked_dropout(states: Tensor, share: float, training: bool) -> Tensor:
    """Dropout of the same features at all times of a review (Gal and Ghahramani, 2016).

    One mask of (reviews, features) rather than of all states, which costs a tenth of a step to draw.
    """
    if not training or not share:
        return states
    mask = torch.rand(states.shape[1:], device=states.device) >= share
    return states * (mask / (1 - share)).to(states.dtype)


def count_parameters(model: SpoilerRNN) -> dict[str, int]:
    """Numbers in the recurrent cells, in the embedding, and in all."""
    cells = sum(p.numel() for rnn in (*model.forwards, *model.backwards) for p in rnn.parameters())
    return {
        "cell": cells,
        "embedding": model.embedding.weight.numel(),
        "total": sum(p.numel() for p in model.parameters()),
    }
