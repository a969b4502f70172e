"""Which words made the logit: those at which the maximum over time was taken."""

import numpy as np
import torch

from spoilers.models.batches import assemble
from spoilers.models.network import SpoilerRNN
from spoilers.text.reviews import Reviews


@torch.inference_mode()
def contributions(model: SpoilerRNN, reviews: Reviews, row: int) -> np.ndarray:
    """What each token of a review gave to its logit, float32 (tokens); with the bias, their sum is the logit.

    Each unit's maximum over time stands at one token, which is credited with it times its weight.
    The state there has read the words around it too.
    """
    model.eval()
    batch = assemble(reviews, np.array([row])).to(next(model.parameters()).device)
    states = torch.cat(model.states(batch.ids, batch.lengths), dim=1)  # (tokens, width)
    maxima, places = states.max(dim=0)
    given = torch.zeros(len(states), device=states.device)
    given.index_add_(0, places, maxima * model.review_head.weight[0])
    return given.cpu().numpy()
