"""The training loop: the same for the two models and for every run of the optimizer study."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from spoilers.core.parallel import prefetch
from spoilers.core.params import Train
from spoilers.metrics.scores import best_threshold, decision_scores, ranking_scores
from spoilers.models.batches import Batch, assemble, epoch_order
from spoilers.models.devices import autocast, move, reseed
from spoilers.models.network import SpoilerRNN
from spoilers.models.scoring import score, sigmoid
from spoilers.text.reviews import Reviews
from spoilers.training import processes
from spoilers.training.checkpoints import Checkpoint
from spoilers.training.diagnostics import Step, StepRecord, copy_weights
from spoilers.training.loss import loss_of, targets_and_weights, weighted_loss
from spoilers.training.optimizers import Optimizer, clip
from spoilers.training.signals import catch_signals
from spoilers.training.watch import Update

READ_EVERY = 50  # steps between two reads of the losses: a read waits for the device


class Diverged(Exception):
    """The loss or the gradient is no longer finite; the message says where."""


class Share(NamedTuple):
    """This process's share of a batch, and the size of the whole batch."""

    batch: Batch
    targets: Tensor  # of its reviews' and sentences' logits, as from `targets_and_weights`
    weights: Tensor  # of the same in the loss
    reviews: int
    tokens: int
    split: bool  # whether the processes share the batch, rather than each having all of it


@dataclass
class Progress:
    """The state of a training: all that a checkpoint holds besides the weights and the optimizer."""

    epoch: int = 0  # completed epochs
    batch: int = 0  # completed batches of the current epoch
    step: int = 0  # completed batches of all epochs
    history: list[dict] = field(default_factory=list)  # one row per validation
    seconds: list[float] = field(default_factory=list)  # from the start to each validation
    elapsed: float = 0.0
    best_row: int = -1  # the validation with the best average precision
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    record: dict = field(default_factory=dict)  # of the steps since the last validation
    done: bool = False

    @property
    def best(self) -> float:
        """Return the best average precision on validation so far, -1 before the first validation."""
        return self.history[self.best_row]["average_precision"] if self.history else -1.0


class Training:
    """Trains one model from its initial to its best weights.

    The best weights have the highest average precision on validation. With a checkpoint, a killed training
    resumes where it was last saved and ends with the same weights as an uninterrupted one; a finished one is
    not trained again. `tell` receives the progress updates. `give_up` decides after each validation whether
    to stop.
    """

    def __init__(
        self,
        model: SpoilerRNN,
        optimizer: Optimizer,
        train: Reviews,
        validation: Reviews,
        settings: Train,
        seed: int,
        checkpoint: Checkpoint | None = None,
        tell: Callable[[Update], None] | None = None,
        give_up: Callable[[list[dict]], bool] | None = None,
    ):
        self.model, self.optimizer = model.train(), optimizer
        self.weights = [weight for weight in model.parameters() if weight.requires_grad]
        self.train, self.validation = train, validation
        self.settings, self.seed = settings, seed
        self.checkpoint, self.give_up = checkpoint, give_up
        self.tell = tell or (lambda _: None)
        self.untold = 0  # tokens since the last update
        self.rate = optimizer.learning_rate
        self.device = next(model.parameters()).device
        self.replica = nn.parallel.DistributedDataParallel(model) if processes.world_size() > 1 else model
        self.batches_per_epoch = math.ceil(len(train) / settings.batch_size)
        times = settings.validations_per_epoch
        self.validated_after = {math.ceil(self.batches_per_epoch * (i + 1) / times) for i in range(times)}
        self.progress, self.record = Progress(), StepRecord()

    def run(self) -> Progress:
        """Train until the epochs or the patience run out; leave the best weights in the model.

        Raises:
            Diverged: the loss is not finite; `progress` holds the history up to there.
            KeyboardInterrupt: on SIGINT or SIGTERM, after a checkpoint has been saved.
        """
        self.restore()
        progress = self.progress
        self.started = time.monotonic() - progress.elapsed
        self.saved = time.monotonic()
        with catch_signals() as interrupted:
            for share in prefetch(self.shares(progress.epoch, progress.batch)):
                if progress.done:
                    break
                self.step(share)
                self.untold += share.tokens
                self.follow(interrupted)
        self.tell(Update(self.seed, self.untold))
        self.model.load_state_dict(progress.best_weights)
        return progress

    def shares(self, epoch: int, batch: int) -> Iterator[Share]:
        """Yield this process's share of each batch from `batch` on, on the device."""
        while epoch < self.settings.epochs:
            order = epoch_order(self.train.lengths, self.settings.batch_size, self.seed, epoch)
            for rows in order[batch:]:
                yield move(self.share(rows), self.device)
            epoch, batch = epoch + 1, 0

    def share(self, rows: np.ndarray) -> Share:
        """Return this process's share of the batch of these reviews, on the CPU."""
        mine, whole = processes.share_of(rows), self.train.choose(rows)
        split = len(mine) < len(rows)
        part = self.train.choose(mine) if split else whole
        batch = assemble(part, self.model.read_padding, self.device.type == "cuda")
        counts = len(whole), whole.labelled_sentences
        known = targets_and_weights(part.labels, part.sentence_labels, *counts, self.settings)
        return Share(batch, *map(torch.from_numpy, known), len(whole), len(whole.ids), split)

    def step(self, share: Share) -> None:
        """Take one optimizer step without waiting for the device."""
        if not self.model.training:
            raise RuntimeError("a training step on a model in evaluation mode would leave out dropout")
        self.seed_dropout()
        self.decay_rate()
        loss = self.loss(share)
        # DDP averages the gradients over the processes that share a batch; they should be summed.
        summed = loss * processes.world_size() if share.split else loss
        for weight in self.weights:
            weight.grad = None
        # In this thread: on a GPU, handing a small step over to autograd's thread takes a fifth of its time.
        with torch.autograd.set_multithreading_enabled(False):
            summed.backward()
        gradient_norm = clip([weight.grad for weight in self.weights], self.settings.clip_norm)
        before = copy_weights(self.model) if self.record.is_update_due() else None
        self.optimizer.step()
        if before:
            self.record.add_update(self.model, before)
        part = loss.detach() if share.split else loss.detach() / processes.world_size()
        self.record.steps.append(Step(part, gradient_norm, share.reviews))
        self.progress.batch += 1
        self.progress.step += 1

    def seed_dropout(self) -> None:
        """Make dropout depend on seed, step and process alone: a checkpoint need not hold generators."""
        draw = np.random.SeedSequence([self.seed, self.progress.step, processes.rank()])
        reseed(self.device, int(draw.generate_state(1)[0]))

    def decay_rate(self) -> None:
        """Set the learning rate of the coming step, which depends on the step alone."""
        if self.settings.rate_decay == "linear":
            left = 1 - self.progress.step / (self.settings.epochs * self.batches_per_epoch)
            self.optimizer.learning_rate = self.rate * left

    def loss(self, share: Share) -> Tensor:
        """Return this process's part of the batch's loss: a scalar."""
        with autocast(self.device, self.settings.precision, self.model.layer):
            logits = self.replica(share.batch)
        return weighted_loss(logits, share.targets, share.weights)

    def follow(self, interrupted: Callable[[], bool]) -> None:
        """After a step, validate, save and stop if it is time to."""
        progress = self.progress
        validated = progress.batch in self.validated_after
        if validated or progress.step % READ_EVERY == 0 or (processes.world_size() == 1 and interrupted()):
            self.read()
            self.tell(Update(self.seed, self.untold))
            self.untold = 0
            if validated:
                self.validate()
            if progress.batch == self.batches_per_epoch:
                progress.epoch, progress.batch = progress.epoch + 1, 0
                progress.done |= progress.epoch == self.settings.epochs
            stopped = processes.any_of(interrupted())
            if validated or stopped or self.is_save_due():
                self.save()
            if stopped and not progress.done:
                raise KeyboardInterrupt

    def read(self) -> None:
        """Read the results of the pending steps.

        Raises:
            Diverged: the loss or the gradient of one of them is not finite.
        """
        rows = self.record.read()
        for i, (loss, gradient_norm) in enumerate(rows):
            if not (math.isfinite(loss) and math.isfinite(gradient_norm)):
                self.progress.step -= len(rows) - i
                self.diverged(loss, gradient_norm)

    def diverged(self, loss: float, gradient_norm: float) -> None:
        rate = self.optimizer.learning_rate
        raise Diverged(
            f"the loss is {loss:g} and the gradient norm {gradient_norm:g} at step"
            f" {self.progress.step + 1} with learning rate {rate:g}"
        )

    def validate(self) -> None:
        """Add a row to the history, keep the weights if they are the best, decide whether to stop."""
        progress, settings = self.progress, self.settings
        progress.elapsed = time.monotonic() - self.started
        best = progress.best
        progress.history.append(self.validation_row())
        progress.seconds.append(progress.elapsed)
        self.record = StepRecord()
        if progress.history[-1]["average_precision"] > best:
            progress.best_row = len(progress.history) - 1
            progress.best_weights = {k: v.detach().cpu().clone() for k, v in self.model.state_dict().items()}
        self.show()
        waited = len(progress.history) - 1 - progress.best_row
        progress.done = waited >= settings.patience * settings.validations_per_epoch
        progress.done |= self.give_up is not None and self.give_up(progress.history)

    def validation_row(self) -> dict[str, float]:
        """Score the validation reviews; return a row of these scores and of the steps' means."""
        progress = self.progress
        logits = score(self.model, self.validation, self.device, self.settings.precision)
        validation_loss = loss_of(logits, self.validation, self.settings)
        if not math.isfinite(validation_loss):
            self.diverged(validation_loss, 0.0)
        labels, probabilities = self.validation.labels, sigmoid(logits.reviews)
        threshold = best_threshold(labels, probabilities)
        return {
            "step": progress.step,
            "epoch": progress.epoch + progress.batch / self.batches_per_epoch,
            "validation_loss": validation_loss,
            **ranking_scores(labels, probabilities),
            "accuracy": decision_scores(labels, probabilities, 0.5)["accuracy"],
            "f1": decision_scores(labels, probabilities, threshold)["f1"],
            **self.record.summary(self.settings.clip_norm),
            "learning_rate": self.optimizer.learning_rate,
        }

    def show(self) -> None:
        """Report the history so far, and its last row in words."""
        row = self.progress.history[-1]
        text = (
            f"epoch {row['epoch']:g}: loss {row['train_loss']:.4f},"
            f" validation loss {row['validation_loss']:.4f},"
            f" average precision {row['average_precision']:.4f}"
        )
        self.tell(Update(self.seed, 0, text, self.progress.history))

    def is_save_due(self) -> bool:
        return self.checkpoint is not None and time.monotonic() - self.saved > self.checkpoint.seconds

    def save(self) -> None:
        """Save a checkpoint; the steps so far must have been read."""
        self.saved = time.monotonic()
        if self.checkpoint is None or not processes.is_first():
            return
        self.progress.elapsed = time.monotonic() - self.started
        self.progress.record = self.record.state
        self.checkpoint.save(
            {
                "model": self.model.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "progress": asdict(self.progress),
            }
        )

    def restore(self) -> None:
        """Resume from the checkpoint, if there is one."""
        state = self.checkpoint.load() if self.checkpoint and processes.is_first() else None
        state = processes.from_first(state)
        if state is None:
            return
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.progress = Progress(**state["progress"])
        self.record = StepRecord(self.progress.record)
        tokens = round(self.progress.step / self.batches_per_epoch * len(self.train.ids))
        text = f"going on after step {self.progress.step}"
        self.tell(Update(self.seed, tokens, text, self.progress.history))
