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
        self.embedding_dropout = nn.Dropout(embedding_dropout)
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
        states = self.states(batch.ids, batch.lengths)  # (tokens, reviews, width)
        by_review = states.transpose(0, 1).reshape(-1, states.shape[-1])  # (reviews * tokens, width)
        maxima = torch.segment_reduce(by_review, "max", lengths=batch.segments, unsafe=True)
        maxima = maxima.index_select(0, batch.sentences)  # (sentences, width)
        review = torch.segment_reduce(maxima, "max", lengths=batch.sentence_counts, unsafe=True)
        review_logits = self.review_head(self.state_dropout(review)).squeeze(1)
        sentence_logits = self.sentence_head(self.state_dropout(maxima)).squeeze(1)
        return review_logits, sentence_logits

    def states(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """Hidden states of the last layer, (tokens, reviews, width); those at padding mean nothing."""
        if self.training and self.word_dropout:
            dropped = torch.rand(ids.shape, device=ids.device) < self.word_dropout
            ids = ids.masked_fill(dropped & (ids != PADDING), UNKNOWN)
        states = self.embedding_dropout(self.embedding(ids))  # (tokens, reviews, embedding)
        reversal = self.reversal(len(ids), lengths) if self.backwards else None
        for layer, forward in enumerate(self.forwards):
            if layer:
                states = self.state_dropout(states)
            outputs = [forward(states)[0]]
            if reversal is not None:
                reversed_states = self.backwards[layer](reverse(states, reversal))[0]
                outputs.append(reverse(reversed_states, reversal))
            states = torch.cat(outputs, dim=-1)  # (tokens, reviews, width)
        return states

    @staticmethod
    def reversal(tokens: int, lengths: Tensor) -> Tensor:
        """Where each position of the reversed reviews comes from; padding stays at its place."""
        time = torch.arange(tokens, device=lengths.device)[:, None]  # (tokens, 1)
        return torch.where(time < lengths, lengths - 1 - time, time)  # (tokens, reviews)


def reverse(states: Tensor, reversal: Tensor) -> Tensor:
    """Reverse each review by its own length; applied twice, nothing has changed."""
    return states.gather(0, reversal[..., None].expand_as(states))


def count_parameters(model: SpoilerRNN) -> dict[str, int]:
    """Numbers in the recurrent cells, in the embedding, and in all."""
    cells = sum(p.numel() for rnn in (*model.forwards, *model.backwards) for p in rnn.parameters())
    return {
        "cell": cells,
        "embedding": model.embedding.weight.numel(),
        "total": sum(p.numel() for p in model.parameters()),
    }
