"""Numbers of a recurrent network's parameters and multiplications: by formula, and counted."""

from spoilers.core.params import Model
from spoilers.models.network import SpoilerRNN

GATES = {"lstm": 4, "gru": 3}
MEMORIES = {"sgd": 0, "momentum": 1, "rmsprop": 1, "adam": 2}  # numbers that it keeps for each weight


def cell_parameters(gates: int, X: int, H: int) -> int:
    """Return the size of W (G*H, X), U (G*H, H) and two biases (G*H)."""
    return gates * H * (X + H + 2)


def multiplications(gates: int, X: int, H: int) -> int:
    """Count the multiplications in one token's matrix products; all others are few in comparison."""
    return gates * H * (X + H)


def input_sizes(model: Model, H: int) -> list[int]:
    """Return the input size of each layer."""
    return [model.embedding_size] + [H * directions(model)] * (model.layers - 1)


def directions(model: Model) -> int:
    return 2 if model.bidirectional else 1


def recurrent_parameters(cell: str, model: Model, H: int) -> int:
    """Count the parameters of all layers and directions."""
    return directions(model) * sum(cell_parameters(GATES[cell], X, H) for X in input_sizes(model, H))


def recurrent_multiplications(cell: str, model: Model, H: int) -> int:
    """Count the multiplications for one token in all layers and directions."""
    return directions(model) * sum(multiplications(GATES[cell], X, H) for X in input_sizes(model, H))


def all_parameters(cell: str, model: Model, words: int) -> int:
    """Count the parameters of the embedding, the recurrent layers, and the review and sentence heads."""
    width = model.hidden_size * directions(model)
    return (
        words * model.embedding_size + recurrent_parameters(cell, model, model.hidden_size) + 2 * (width + 1)
    )


def equal_gru_size(model: Model) -> int:
    """Return the hidden size at which a GRU comes closest to the LSTM's number of recurrent parameters."""
    goal = recurrent_parameters("lstm", model, model.hidden_size)
    sizes = range(model.hidden_size, 2 * model.hidden_size + 1)
    return min(sizes, key=lambda H: abs(recurrent_parameters("gru", model, H) - goal))


def count_parameters(model: SpoilerRNN) -> dict[str, int]:
    """Count a network's parameters: in the recurrent layers, the embedding, and in total."""
    return {
        "cell": sum(p.numel() for p in model.rnn.parameters()),
        "embedding": model.embedding.weight.numel(),
        "total": sum(p.numel() for p in model.parameters()),
    }
