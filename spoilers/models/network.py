"""A recurrent network that predicts whether a review contains a spoiler, and in which sentence."""

import math
from typing import Literal

import torch
from torch import Tensor, nn

from spoilers.models.batches import Batch
from spoilers.models.bidirectional import BidirectionalRNN
from spoilers.models.dropout import LockedDropout, WordDropout
from spoilers.models.embedding import ScaledEmbedding
from spoilers.models.segment_max import TakeRows, segment_max
from spoilers.text.vocabulary import UNKNOWN

Cell = Literal["lstm", "gru"]
CELLS = {"lstm": nn.LSTM, "gru": nn.GRU}


class SpoilerRNN(nn.Module):
    """Embedding -> LSTM or GRU, in one or both directions -> max over time -> linear -> logit.

    The maximum is taken within each sentence first, where a second linear layer reads it, and then over
    the sentences of the review, which gives the maximum over the whole review. A review's logits do
    not depend on the batch that it is in: no padding enters a real token's state or a maximum.

    With `pooling` "last", the review's logit is computed from the last state of each direction instead. With
    `read_padding`, the network reads padding like words, and a review's logits do depend on its batch.
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
        pooling: Literal["max", "last"] = "max",
        read_padding: bool = False,
    ):
        super().__init__()
        self.pooling, self.read_padding = pooling, read_padding
        self.layer = CELLS[cell]
        self.word_dropout = WordDropout(word_dropout, UNKNOWN)
        self.embedding = ScaledEmbedding(vocabulary_size, embedding_size, embedding_dropout)
        self.rnn = BidirectionalRNN(
            self.layer, embedding_size, hidden_size, layers, bidirectional, state_dropout
        )
        self.state_dropout = LockedDropout(state_dropout)
        self.review_head = nn.Linear(self.rnn.width, 1)
        self.sentence_head = nn.Linear(self.rnn.width, 1)

    def set_priors(self, prevalence: float, sentence_prevalence: float | None) -> None:
        """Set the heads' biases to the training log-odds, so that they need not be learned."""
        for head, share in ((self.review_head, prevalence), (self.sentence_head, sentence_prevalence)):
            if share and share < 1:
                nn.init.constant_(head.bias, math.log(share / (1 - share)))

    def states(self, batch: Batch) -> list[Tensor]:
        """Return the recurrent layers' states, as `BidirectionalRNN` returns them."""
        embedded = self.embedding(self.word_dropout(batch.ids))  # (tokens, reviews, size)
        return self.rnn(embedded, batch.reversal, batch.padding)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the logits of the reviews (reviews,) and of all their sentences (sentences,)."""
        states = [part.flatten(0, 1) for part in self.states(batch)]  # (tokens * reviews, ...) each
        maxima = [segment_max(rows, parts) for rows, parts in zip(states, batch.sentences, strict=False)]
        sentences = torch.cat(maxima, dim=1)  # (sentences, width)
        if self.pooling == "max":
            reviews = segment_max(sentences, batch.reviews)  # (reviews, width)
        else:
            directions = [part for rows in states for part in rows.split(self.rnn.hidden_size, dim=1)]
            ends = zip(directions, batch.last, strict=False)
            reviews = torch.cat([TakeRows.apply(rows, last) for rows, last in ends], dim=1)
        mask = self.state_dropout.mask(reviews)
        if mask is not None:
            reviews = reviews * mask
            sentences = sentences * mask.index_select(0, batch.review_of_sentence)
        return self.review_head(reviews).squeeze(1), self.sentence_head(sentences).squeeze(1)
