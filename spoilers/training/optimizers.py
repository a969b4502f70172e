"""The study's four optimizers, in PyTorch: each step is a few operations, on all weights at a time.

They take the steps of `torch.optim`'s foreach implementations, to the bit. They are written out here because
those import PyTorch's compiler, for two seconds in every process that trains.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from spoilers.core.params import AdamSettings, MomentumSettings, RMSpropSettings


class Optimizer:
    """Moves weights by their gradients.

    `memories` holds what it remembers: for each kind, a tensor of each weight's shape, zero at first.
    """

    kinds = 0  # of memories

    def __init__(
        self,
        settings: MomentumSettings | RMSpropSettings | AdamSettings,
        learning_rate: float,
        weights: Iterable[nn.Parameter],
    ):
        self.settings, self.learning_rate = settings, learning_rate
        self.weights = [weight for weight in weights if weight.requires_grad]
        self.memories = [[torch.zeros_like(weight) for weight in self.weights] for _ in range(self.kinds)]
        self.steps = 0

    @torch.no_grad()
    def step(self) -> None:
        """Move every weight; each must have a gradient."""
        self.steps += 1
        self.move([weight.grad for weight in self.weights])

    def move(self, gradients: list[Tensor]) -> None:
        raise NotImplementedError

    def state_dict(self) -> dict:
        return {"steps": self.steps, "memories": self.memories}

    def load_state_dict(self, state: dict) -> None:
        self.steps = state["steps"]
        self.memories = [
            [saved.to(weight.device) for saved, weight in zip(memory, self.weights, strict=True)]
            for memory in state["memories"]
        ]


class SGD(Optimizer):
    """Plain stochastic gradient descent, which remembers nothing."""

    def move(self, gradients: list[Tensor]) -> None:
        torch._foreach_add_(self.weights, gradients, alpha=-self.learning_rate)


class Momentum(Optimizer):
    """SGD with momentum, which remembers the velocity."""

    kinds = 1

    def move(self, gradients: list[Tensor]) -> None:
        (velocities,) = self.memories
        torch._foreach_mul_(velocities, self.settings.momentum)
        torch._foreach_add_(velocities, gradients)
        torch._foreach_add_(self.weights, velocities, alpha=-self.learning_rate)


class RMSprop(Optimizer):
    """RMSprop, which remembers the mean of the squared gradient."""

    kinds = 1

    def move(self, gradients: list[Tensor]) -> None:
        (squares,) = self.memories
        torch._foreach_mul_(squares, self.settings.alpha)
        torch._foreach_addcmul_(squares, gradients, gradients, 1 - self.settings.alpha)
        roots = torch._foreach_sqrt(squares)
        torch._foreach_add_(roots, self.settings.eps)
        torch._foreach_addcdiv_(self.weights, gradients, roots, -self.learning_rate)


class Adam(Optimizer):
    """Adam, which remembers the means of the gradient and of its square."""

    kinds = 2

    def move(self, gradients: list[Tensor]) -> None:
        means, squares = self.memories
        beta1, beta2 = self.settings.beta1, self.settings.beta2
        torch._foreach_lerp_(means, gradients, 1 - beta1)
        torch._foreach_mul_(squares, beta2)
        torch._foreach_addcmul_(squares, gradients, gradients, 1 - beta2)
        roots = torch._foreach_sqrt(squares)
        torch._foreach_div_(roots, (1 - beta2**self.steps) ** 0.5)  # both means begin at 0: correct them
        torch._foreach_add_(roots, self.settings.eps)
        torch._foreach_addcdiv_(self.weights, means, roots, -self.learning_rate / (1 - beta1**self.steps))


class FusedAdam(Adam):
    """Adam in a single operation, four times as fast with large embeddings."""

    def move(self, gradients: list[Tensor]) -> None:
        steps = [torch.full((), self.steps, dtype=torch.float32, device=self.weights[0].device)]
        torch._fused_adam_(
            self.weights,
            gradients,
            *self.memories,
            [],
            steps * len(self.weights),
            lr=self.learning_rate,
            beta1=self.settings.beta1,
            beta2=self.settings.beta2,
            weight_decay=0.0,
            eps=self.settings.eps,
            amsgrad=False,
            maximize=False,
        )


def make(
    settings: MomentumSettings | RMSpropSettings | AdamSettings,
    learning_rate: float,
    weights: Iterable[nn.Parameter],
    fused: bool = False,
) -> Optimizer:
    """Return the optimizer for the settings; plain SGD has momentum 0.

    With `fused`, Adam is the faster one. The study goes without, to compare the times of the steps.
    """
    match settings:
        case MomentumSettings(momentum=0):
            kind = SGD
        case MomentumSettings():
            kind = Momentum
        case RMSpropSettings():
            kind = RMSprop
        case AdamSettings():
            kind = FusedAdam if fused else Adam
    return kind(settings, learning_rate, weights)


@torch.no_grad()
def clip(gradients: list[Tensor], max_norm: float) -> Tensor:
    """Scale the gradients so that their norm is at most `max_norm`; return the norm before, a scalar.

    It does what `torch.nn.utils.clip_grad_norm_` does, in half the time.
    """
    norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
    torch._foreach_mul_(gradients, (max_norm / (norm + 1e-6)).clamp(max=1.0))
    return norm


def state_bytes(optimizer: Optimizer) -> int:
    """Return the size of the optimizer's memories in bytes."""
    return sum(each.numel() * each.element_size() for memory in optimizer.memories for each in memory)
