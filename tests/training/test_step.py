"""Test that a training step does nothing that waits for an asynchronous device."""

from collections import Counter

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from spoilers.core import params
from spoilers.models.batches import assemble
from spoilers.models.network import CELLS
from spoilers.models.scoring import score
from spoilers.training.loop import Training
from spoilers.training.loss import loss_of
from spoilers.training.prepare import Choice, Data, prepare
from tests import ROOT
from tests.rnn_data import WORDS, reviews

CPU = torch.device("cpu")
# Operators that would wait for a CUDA device, or that are nondeterministic there.
WAITS = ("_local_scalar_dense", "nonzero", "masked_select", "item", "unique", "is_nonzero", "equal")
UNORDERED = ("index_add", "index_add_", "scatter_add", "scatter_add_", "scatter_reduce", "index_put_")
MOST = 330  # operators in a step, including those of the recurrent layers inside PyTorch


class Operators(TorchDispatchMode):
    """Counts the operators that are called."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter = Counter()

    def __torch_dispatch__(self, operator, types, arguments=(), keywords=None):
        keywords = keywords or {}
        name = operator.overloadpacket.__name__
        if name == "repeat_interleave" and keywords.get("output_size") is None:
            name = "repeat_interleave without output_size"
        if name == "_to_copy" and "device" in keywords:
            name = "copy between devices"
        self.counts[name] += 1
        return operator(*arguments, **keywords)


def make_training(cell: str = "lstm", layers: int = 1, optimizer: str = "adam") -> Training:
    settings = params.load(ROOT / "params.yaml")
    model = settings.model.model_copy(update={"embedding_size": 8, "hidden_size": 8, "layers": layers})
    train = settings.train.model_copy(update={"batch_size": 8})
    data = Data(reviews(1, 80), reviews(2, 20), WORDS, None)
    return prepare(Choice(cell, optimizer, 0.01, 3), data, model, train, settings.optimizers, CPU)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("in_one_call", [False, True])
@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "rmsprop", "adam"])
def test_nothing_in_a_step_waits_for_the_device(cell, layers, in_one_call, optimizer):
    training = make_training(cell, layers, optimizer)
    for number in range(12):  # the update is measured in the first and in the eleventh
        rows = np.arange(8) + number
        share = training.share(rows)
        share = share._replace(batch=assemble(training.train.choose(rows), in_one_call=in_one_call))
        with Operators() as seen:
            training.step(share)
        bad = [name for name in seen.counts if name in WAITS or " " in name]
        assert bad == []
        # In two calls, as on a CPU, the gradient of the reversal adds to each row once.
        allowed = () if in_one_call else ("index_add", "index_add_")
        assert [name for name in seen.counts if name in UNORDERED and name not in allowed] == []
    assert training.record.read()[-1][0] > 0


def test_the_last_state_is_taken_without_a_sum():
    training = make_training()
    training.model.pooling = "last"
    rows = np.arange(8)
    batch = assemble(training.train.choose(rows), in_one_call=True)
    with Operators() as seen:
        training.step(training.share(rows)._replace(batch=batch))
    assert "index_copy_" in seen.counts
    assert [name for name in seen.counts if name in UNORDERED] == []


def test_a_step_has_few_operators():
    training = make_training()
    shares = training.shares(0, 0)
    training.step(next(shares))
    with Operators() as seen:
        training.step(next(shares))
    assert 50 < seen.counts.total() < MOST


def test_the_counter_sees_what_waits():
    with Operators() as seen:
        torch.ones(3).sum().item()
        torch.ones(3).nonzero()
        torch.ones(3)[torch.tensor([True, False, True])] = 2.0
        torch.ones(3).repeat_interleave(torch.tensor([1, 2, 3]))
    assert {"_local_scalar_dense", "nonzero", "repeat_interleave without output_size"} <= set(seen.counts)


@pytest.mark.parametrize("read_padding", [False, True])
def test_a_step_reads_padding_as_scoring_does(read_padding):
    training = make_training()
    training.model.read_padding, training.model.pooling = read_padding, "last"
    rows = np.arange(8)
    some = training.train.choose(rows)
    assert len(set(some.lengths)) > 3
    training.model.eval()
    with torch.inference_mode():
        found = training.loss(training.share(rows)).item()
    assert found == pytest.approx(
        loss_of(score(training.model, some, CPU, "float32"), some, training.settings)
    )


def test_a_model_in_evaluation_mode_is_not_trained():
    training = make_training()
    training.model.eval()
    with pytest.raises(RuntimeError, match="evaluation mode"):
        training.step(next(training.shares(0, 0)))


@pytest.mark.parametrize("mode", [True, False])
def test_scoring_leaves_the_mode_as_it_was(mode):
    training = make_training()
    training.model.train(mode)
    first = score(training.model, training.train, CPU, "float32")
    assert training.model.training is mode
    assert all(module.training is mode for module in training.model.modules())
    again = score(training.model, training.train, CPU, "float32")
    assert np.array_equal(first.reviews, again.reviews), "dropout is off in either mode"


def test_a_loss_that_is_not_finite_is_named_by_its_step():
    training = make_training()
    shares = training.shares(0, 0)
    for number in range(6):
        if number == 3:
            with torch.no_grad():
                training.model.review_head.bias.fill_(torch.nan)
        training.step(next(shares))
    with pytest.raises(Exception, match="the loss is nan and the gradient norm nan at step 4 with"):
        training.read()
    assert training.progress.step == 3
