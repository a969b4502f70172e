"""The reference cells compute what PyTorch computes, forward and backward."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from spoilers.core.params import Model
from spoilers.models import counts
from spoilers.models.counts import count_parameters
from spoilers.models.network import SpoilerRNN
from spoilers.theory import cells, trials
from spoilers.theory.cells import GRU, GRU_BEFORE, LSTM, PLAIN, Cell, Weights

LAYERS = {"plain": (PLAIN, nn.RNN), "lstm": (LSTM, nn.LSTM), "gru": (GRU, nn.GRU)}
sizes = st.integers(1, 9)


def random_weights(cell: Cell, X: int, H: int, random: np.random.Generator) -> Weights:
    shapes = ((cell.gates * H, X), (cell.gates * H, H), cell.gates * H, cell.gates * H)
    return Weights(*(random.standard_normal(shape) * 0.7 for shape in shapes))


def torch_layer(layer: type[nn.Module], weights: Weights, X: int, H: int) -> nn.Module:
    made = layer(X, H, dtype=torch.float64)
    with torch.no_grad():
        for parameter, values in zip(made.parameters(), weights, strict=True):
            parameter.copy_(torch.from_numpy(values))
    return made


def problem(cell: Cell, X: int, H: int, T: int, B: int, seed: int) -> tuple:
    """Draw weights, tokens, first state, and the loss's gradients for every h and last state."""
    random = np.random.default_rng(seed)
    state, d_last = (tuple(random.standard_normal((B, H)) for _ in range(cell.states)) for _ in range(2))
    weights = random_weights(cell, X, H, random)
    return weights, random.standard_normal((T, B, X)), state, random.standard_normal((T, B, H)), d_last


def loss(hs: torch.Tensor, last: tuple, d_hs: np.ndarray, d_last: tuple) -> torch.Tensor:
    """Return a loss with the given derivatives."""
    total = (hs * torch.from_numpy(d_hs)).sum()
    return total + sum((a * torch.from_numpy(b)).sum() for a, b in zip(last, d_last, strict=True))


@pytest.mark.parametrize("name", LAYERS)
@settings(max_examples=30, deadline=None)
@given(X=sizes, H=sizes, T=st.integers(1, 12), B=sizes, seed=st.integers(0, 10**6))
def test_outputs_and_gradients_are_those_of_pytorch(name, X, H, T, B, seed):
    cell, layer = LAYERS[name]
    weights, xs, state, d_hs, d_last = problem(cell, X, H, T, B, seed)
    hs, last, saved = cells.forward(cell, weights, xs, state)
    d_xs, d_states, d_weights = cells.backward(cell, weights, saved, d_hs, d_last)

    theirs = torch_layer(layer, weights, X, H)
    inputs = torch.from_numpy(xs).requires_grad_()
    start = tuple(torch.from_numpy(part)[None].requires_grad_() for part in state)
    outputs, end = theirs(inputs, start if len(start) > 1 else start[0])
    end = tuple(part[0] for part in (end if isinstance(end, tuple) else (end,)))
    loss(outputs, end, d_hs, d_last).backward()

    np.testing.assert_allclose(hs, outputs.detach().numpy(), rtol=0, atol=1e-10)
    for ours, their in zip(last, end, strict=True):
        np.testing.assert_allclose(ours, their.detach().numpy(), rtol=0, atol=1e-10)
    np.testing.assert_allclose(d_xs, inputs.grad.numpy(), rtol=1e-8, atol=1e-8)
    for ours, their in zip(d_states[0], start, strict=True):
        np.testing.assert_allclose(ours, their.grad[0].numpy(), rtol=1e-8, atol=1e-8)
    for ours, their in zip(d_weights, theirs.parameters(), strict=True):
        np.testing.assert_allclose(ours, their.grad.numpy(), rtol=1e-8, atol=1e-8)


def gru_before(weights: list[torch.Tensor], xs: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
    """Run a GRU with the reset gate before the product, for autograd to differentiate."""
    W, U, b, d = ([*w.chunk(3)] for w in weights)
    hs = []
    for x in xs:
        r = torch.sigmoid(x @ W[0].T + b[0] + h @ U[0].T + d[0])
        z = torch.sigmoid(x @ W[1].T + b[1] + h @ U[1].T + d[1])
        n = torch.tanh(x @ W[2].T + b[2] + (r * h) @ U[2].T + d[2])
        h = (1 - z) * n + z * h
        hs.append(h)
    return torch.stack(hs)


@settings(max_examples=30, deadline=None)
@given(X=sizes, H=sizes, T=st.integers(1, 12), B=sizes, seed=st.integers(0, 10**6))
def test_the_other_reset_form_agrees_with_autograd(X, H, T, B, seed):
    weights, xs, state, d_hs, d_last = problem(GRU_BEFORE, X, H, T, B, seed)
    hs, _, saved = cells.forward(GRU_BEFORE, weights, xs, state)
    d_xs, d_states, d_weights = cells.backward(GRU_BEFORE, weights, saved, d_hs, d_last)

    leaves = [torch.from_numpy(w).requires_grad_() for w in weights]
    inputs, start = torch.from_numpy(xs).requires_grad_(), torch.from_numpy(state[0]).requires_grad_()
    outputs = gru_before(leaves, inputs, start)
    loss(outputs, (outputs[-1],), d_hs, d_last).backward()

    np.testing.assert_allclose(hs, outputs.detach().numpy(), rtol=0, atol=1e-10)
    np.testing.assert_allclose(d_xs, inputs.grad.numpy(), rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(d_states[0][0], start.grad.numpy(), rtol=1e-8, atol=1e-8)
    for ours, leaf in zip(d_weights, leaves, strict=True):
        np.testing.assert_allclose(ours, leaf.grad.numpy(), rtol=1e-8, atol=1e-8)


def test_the_reset_forms_differ_and_pytorch_resets_after_the_product():
    weights, xs, state, _, _ = problem(GRU, 5, 7, 9, 3, seed=1)
    after, before = (cells.forward(cell, weights, xs, state)[0] for cell in (GRU, GRU_BEFORE))
    theirs = torch_layer(nn.GRU, weights, 5, 7)(torch.from_numpy(xs), torch.from_numpy(state[0])[None])[0]
    assert np.abs(after - before).max() > 0.01
    np.testing.assert_allclose(after, theirs.detach().numpy(), rtol=0, atol=1e-10)


def test_the_reset_forms_agree_where_r_is_one():
    weights, xs, state, _, _ = problem(GRU, 5, 7, 9, 3, seed=1)
    weights.b[:7] = 100
    after, before = (cells.forward(cell, weights, xs, state)[0] for cell in (GRU, GRU_BEFORE))
    np.testing.assert_allclose(after, before, rtol=0, atol=1e-12)


def test_extremes_of_the_gates():
    """z = 1 keeps, r = 1 with z = 0 is the cell without gates, f = 1 with i = 0 keeps the memory."""
    weights, xs, state, _, _ = problem(GRU, 4, 6, 8, 2, seed=2)
    weights.b[6:12] = 1000
    np.testing.assert_array_equal(cells.forward(GRU, weights, xs, state)[1][0], state[0])
    weights.b[:6], weights.b[6:12] = 1000, -1000
    plain = Weights(*(w[12:] for w in weights))
    ours, theirs = (cells.forward(*pair, xs, state)[0] for pair in ((GRU, weights), (PLAIN, plain)))
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)

    weights, xs, state, _, _ = problem(LSTM, 4, 6, 8, 2, seed=2)
    weights.b[:6], weights.b[6:12] = -1000, 1000
    np.testing.assert_array_equal(cells.forward(LSTM, weights, xs, state)[1][1], state[1])


def test_first_weights_are_like_the_models():
    """Expect orthogonal U by gate, W within Xavier's bounds, forget bias 1, other biases 0."""
    random = np.random.default_rng(0)
    model = SpoilerRNN(10, "lstm", embedding_size=5, hidden_size=7)
    theirs = Weights(*(p.detach().numpy() for p in model.rnn.forwards[0].parameters()))
    ours = cells.initial(LSTM, 5, 7, random)
    for weights in (ours, theirs):
        for gate in np.split(weights.U, 4):
            np.testing.assert_allclose(gate @ gate.T, np.eye(7), atol=1e-6)
        assert np.abs(weights.W).max() <= np.sqrt(6 / 12) + 1e-6
        np.testing.assert_array_equal(weights.b + weights.d, np.repeat([0, 1, 0, 0], 7))


MODELS = [
    {"embedding_size": 64, "hidden_size": 64, "layers": 1, "bidirectional": True},
    {"embedding_size": 5, "hidden_size": 8, "layers": 3, "bidirectional": False},
    {"embedding_size": 12, "hidden_size": 3, "layers": 2, "bidirectional": True},
]


@pytest.mark.parametrize("shape", MODELS)
@pytest.mark.parametrize("cell", counts.GATES)
def test_counts_are_those_of_the_models(shape, cell):
    rates = {"embedding_dropout": 0.0, "state_dropout": 0.0, "word_dropout": 0.0}
    fixed = {"pooling": "max", "read_padding": False, "vectors": None, "freeze_vectors": False}
    model = Model(**shape, **rates, **fixed)
    counted = count_parameters(SpoilerRNN(50, cell, **shape))
    assert counts.recurrent_parameters(cell, model, model.hidden_size) == counted["cell"]
    assert counts.all_parameters(cell, model, 50) == counted["total"]


def test_a_gradient_with_its_path_cut_falls_as_the_forget_gates_say():
    curve = trials.gradient_curves(16, 16)["cut"]["LSTM"]
    gate = cells.sigmoid(np.float64(5))
    assert curve[100] / curve[10] == pytest.approx(gate**90, rel=0.05)


def test_an_lstm_counts_and_a_gru_stands_still():
    assert trials.counted(300, 0) == pytest.approx(300)
    assert trials.counted(300, 299) == pytest.approx(1)
    assert trials.longest_gru_count(0.5) < trials.longest_gru_count(0.9) < 1000
