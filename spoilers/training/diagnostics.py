"""What the optimizer does to the weights, beside the loss."""

import math

import torch
from torch import Tensor

from spoilers.models.network import SpoilerRNN

EVERY = 10  # steps between two looks at the update: it costs a copy of the weights
TINY = 1e-12


def groups(model: SpoilerRNN) -> dict[str, list[Tensor]]:
    """Weights that behave differently: rare words' rows, the recurrent cells, the output layers."""
    return {
        "embedding": list(model.embedding.parameters()),
        "recurrent": [p for rnn in (*model.forwards, *model.backwards) for p in rnn.parameters()],
        "output": [*model.review_head.parameters(), *model.sentence_head.parameters()],
    }


def norm(tensors: list[Tensor]) -> float:
    if not tensors:
        return 0.0
    return torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(t) for t in tensors])).item()


class StepRecord:
    """Gradient norms and updates since the last evaluation; plain numbers, so that it can be saved."""

    def __init__(self, state: dict):
        self.state = state or {"loss": 0.0, "reviews": 0, "norms": [], "clipped": 0, "updates": []}

    def add(self, loss: float, reviews: int, gradient_norm: float, clip_norm: float) -> None:
        self.state["loss"] += loss * reviews
        self.state["reviews"] += reviews
        self.state["norms"].append(gradient_norm)
        self.state["clipped"] += gradient_norm > clip_norm

    def is_due(self) -> bool:
        """Whether this step's update is to be looked at."""
        return len(self.state["norms"]) % EVERY == 0

    def add_update(self, model: SpoilerRNN, before: dict[str, list[Tensor]]) -> None:
        """Compare the weights after a step with those before it, which are overwritten."""
        update = {}
        for name, weights in groups(model).items():
            size = norm(before[name])
            step = norm([old.sub_(w.detach()) for w, old in zip(weights, before[name], strict=True)])
            gradient = norm([w.grad for w in weights if w.grad is not None])
            update[f"update_ratio_{name}"] = step / max(size, TINY)
            update[f"effective_step_{name}"] = step / gradient if gradient > TINY else 0.0
        self.state["updates"].append(update)

    def summary(self) -> dict[str, float]:
        norms, updates = self.state["norms"], self.state["updates"]
        mean = sum(norms) / len(norms)
        spread = math.sqrt(sum((n - mean) ** 2 for n in norms) / len(norms))
        return {
            "train_loss": self.state["loss"] / self.state["reviews"],
            "gradient_norm": mean,
            "gradient_norm_sd": spread,
            "clipped": self.state["clipped"] / len(norms),
            **{name: sum(u[name] for u in updates) / len(updates) for name in updates[0]},
        }


def copy_weights(model: SpoilerRNN) -> dict[str, list[Tensor]]:
    return {name: [w.detach().clone() for w in weights] for name, weights in groups(model).items()}
