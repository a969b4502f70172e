"""Binary cross-entropy on reviews and, where sentences have labels, on sentences."""

import torch
import torch.nn.functional as F
from torch import Tensor

from stages.rnn.batches import Batch


def loss_sums(
    review_logits: Tensor, sentence_logits: Tensor, batch: Batch, positive_weight: float
) -> tuple[Tensor, Tensor]:
    """Summed losses of the reviews and of the labelled sentences: two scalars, float32."""
    weight = review_logits.new_tensor(positive_weight)
    reviews = F.binary_cross_entropy_with_logits(
        review_logits.float(), batch.labels, reduction="sum", pos_weight=weight.float()
    )
    labelled = ~torch.isnan(batch.sentence_labels)
    sentences = F.binary_cross_entropy_with_logits(
        sentence_logits.float(), batch.sentence_labels.nan_to_num(), weight=labelled.float(), reduction="sum"
    )
    return reviews, sentences
