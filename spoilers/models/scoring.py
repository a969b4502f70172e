"""Run a network over many reviews and return its logits in their order."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from spoilers.core.parallel import prefetch
from spoilers.models.batches import assemble, in_order_of_length
from spoilers.models.devices import autocast, move
from spoilers.models.network import SpoilerRNN
from spoilers.text.reviews import Reviews, ranges, spans

# Padded tokens in a batch: few fit into a CPU's cache, but few leave a GPU idle.
TOKENS = {"cpu": 2**14, "mps": 2**16, "cuda": 2**18}


@dataclass(frozen=True)
class Logits:
    """Logits of reviews and of all their sentences."""

    reviews: np.ndarray  # float32 (reviews)
    sentences: np.ndarray  # float32 (sentences)


@torch.inference_mode()
def score(model: SpoilerRNN, reviews: Reviews, device: torch.device, precision: str) -> Logits:
    """Run the model in evaluation mode over all reviews, in batches of similar length, longest first.

    The model's mode is restored afterwards.
    """
    was_training = model.training
    model.eval()
    batches = list(in_order_of_length(reviews.lengths, TOKENS[device.type]))
    on_gpu = device.type == "cuda"
    assembled = (assemble(reviews.choose(rows), model.read_padding, on_gpu) for rows in batches)
    found = []
    for batch in prefetch(move(batch, device) for batch in assembled):
        with autocast(device, precision, model.layer):
            found.append(model(batch))
    model.train(was_training)
    # Read once, at the end, so that a GPU need not wait between two batches.
    of_reviews, of_sentences = (
        torch.cat(logits).float().cpu().numpy() for logits in zip(*found, strict=True)
    )
    logits = Logits(np.empty_like(of_reviews), np.empty_like(of_sentences))
    rows = np.concatenate(batches)
    logits.reviews[rows] = of_reviews
    logits.sentences[ranges(*spans(reviews.sentence_ends, rows))] = of_sentences
    return logits


def sigmoid(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Divide logits by a temperature (Guo et al., 2017); return their probabilities, float32."""
    return F.sigmoid(torch.from_numpy(logits) / temperature).numpy()
