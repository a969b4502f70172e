"""The training loop: the same for the two models and for every run of the optimizer study."""

import math
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field

import numpy as np
from torch import Tensor, nn
from torch.optim import Optimizer
from tqdm import tqdm

from spoilers.core.params import Train
from spoilers.metrics.scores import best_threshold, decision_scores, ranking_scores
from spoilers.models.batches import assemble, epoch_order
from spoilers.models.devices import autocast, reseed
from spoilers.models.network import SpoilerRNN
from spoilers.models.scoring import score, sigmoid
from spoilers.text.reviews import Reviews
from spoilers.training import processes
from spoilers.training.checkpoints import Checkpoint
from spoilers.training.diagnostics import StepRecord, copy_weights
from spoilers.training.loss import loss_of, loss_sums


class Diverged(Exception):
    """The loss or the gradient is no longer finite; the message says where."""


@dataclass
class Progress:
    """Where a training stands: beside the weights and the optimizer, all that a checkpoint holds."""

    epoch: int = 0  # epochs that are over
    batch: int = 0  # batches of the present epoch that are done
    step: int = 0  # batches of all epochs that are done
    history: list[dict] = field(default_factory=list)  # one row per evaluation
    seconds: list[float] = field(default_factory=list)  # from the start to each evaluation
    elapsed: float = 0.0
    best_row: int = -1  # the evaluation with the best average precision
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    record: dict = field(default_factory=dict)  # of the steps since the last evaluation
    done: bool = False

    @property
    def best(self) -> float:
        """The best average precision on validation so far, -1 before the first evaluation."""
        return self.history[self.best_row]["average_precision"] if self.history else -1.0


class Training:
    """One model's way from its initial to its best weights.

    "Best" is by average precision on validation. With a checkpoint, a training that was killed
    goes on where it was last saved, and ends with the same weights as one that was not. With a
    name, it shows how it gets on.
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
        name: str = "",
    ):
        self.model, self.optimizer = model.train(), optimizer
        self.weights = [weight for weight in model.parameters() if weight.requires_grad]
        self.train, self.validation = train, validation
        self.settings, self.seed, self.checkpoint, self.name = settings, seed, checkpoint, name
        self.device = next(model.parameters()).device
        self.replica = nn.parallel.DistributedDataParallel(model) if processes.world_size() > 1 else model
        self.lengths = train.lengths
        self.batches = math.ceil(len(train) / settings.batch_size)  # per epoch
        times = settings.validations_per_epoch
        self.evaluations = {math.ceil(self.batches * (i + 1) / times) for i in range(times)}
        self.progress = Progress()

    def run(self) -> Progress:
        """Train until the epochs or the patience are over; leave the best weights in the model.

        Raises:
            Diverged: the loss is not finite; `progress` holds the history up to there.
            KeyboardInterrupt: on SIGINT or SIGTERM, after a checkpoint has been saved.
        """
        self.restore()
        progress, settings = self.progress, self.settings
        self.started = time.monotonic() - progress.elapsed
        saved = time.monotonic()
        order: list[np.ndarray] = []
        with catch_signals() as caught, self.bar() as bar:
            while not progress.done:
                if progress.batch == 0 or not order:
                    order = epoch_order(self.lengths, settings.batch_size, self.seed, progress.epoch)
                rows = order[progress.batch]
                loss = self.step(rows)
                bar.update(int(self.lengths[rows].sum()))
                bar.set_postfix(loss=f"{loss:.4f}", refresh=False)
                evaluated = progress.batch in self.evaluations
                if evaluated:
                    self.evaluate()
                if progress.batch == self.batches:
                    progress.epoch, progress.batch = progress.epoch + 1, 0
                    progress.done |= progress.epoch == settings.epochs
                interrupted = processes.any_of(bool(caught))
                due = self.checkpoint is not None and time.monotonic() - saved > self.checkpoint.seconds
                if evaluated or interrupted or due:
                    self.save()
                    saved = time.monotonic()
                if interrupted and not progress.done:
                    raise KeyboardInterrupt
        self.model.load_state_dict(progress.best_weights)
        return progress

    def step(self, rows: np.ndarray) -> float:
        """One step of the optimizer; returns the batch's loss before it."""
        mine = processes.share_of(rows)
        batch = assemble(self.train, mine).to(self.device)
        labelled = self.train.choose(rows).labelled_sentences if len(mine) < len(rows) else batch.labelled
        # Dropout depends on the step and the process alone, so that a checkpoint need not hold the
        # state of every process's generator.
        draw = np.random.SeedSequence([self.seed, self.progress.step, processes.rank()])
        reseed(self.device, int(draw.generate_state(1)[0]))
        with autocast(self.device, self.settings.precision, self.model.layer):
            logits = self.replica(batch)
        of_reviews, of_sentences = loss_sums(
            *logits, batch.labels, batch.sentence_labels, self.settings.positive_weight
        )
        loss = of_reviews / len(rows) + self.settings.sentence_weight * of_sentences / max(labelled, 1)
        # Gradients are averaged over the processes that share a batch, and should be summed.
        sharing = processes.world_size() if len(mine) < len(rows) else 1
        self.optimizer.zero_grad(set_to_none=True)
        (loss * sharing).backward()
        gradient_norm = self.clip()
        loss = processes.total(loss.detach()) if sharing > 1 else loss.item()
        self.check_finite(loss, gradient_norm)

        record = StepRecord(self.progress.record)
        before = copy_weights(self.model) if record.is_due() else None
        self.optimizer.step()
        if before:
            record.add_update(self.model, before)
        record.add(loss, len(rows), gradient_norm, self.settings.clip_norm)
        self.progress.record = record.state
        self.progress.batch += 1
        self.progress.step += 1
        return loss

    def clip(self) -> float:
        """Scale the gradient down to `clip_norm`, where it is longer; returns its norm before."""
        norm = nn.utils.get_total_norm([weight.grad for weight in self.weights])
        if norm > self.settings.clip_norm:
            nn.utils.clip_grads_with_norm_(self.weights, self.settings.clip_norm, norm)
        return norm.item()

    def check_finite(self, loss: float, gradient_norm: float) -> None:
        if not (math.isfinite(loss) and math.isfinite(gradient_norm)):
            rate = self.optimizer.param_groups[0]["lr"]
            raise Diverged(
                f"the loss is {loss:g} and the gradient norm {gradient_norm:g} at step"
                f" {self.progress.step + 1} with learning rate {rate:g}"
            )

    def evaluate(self) -> None:
        """Add a row to the history, keep the weights if they are the best, see whether to stop."""
        progress = self.progress
        progress.elapsed = time.monotonic() - self.started
        logits = score(self.model, self.validation, self.device, self.settings.precision)
        validation_loss = loss_of(logits, self.validation, self.settings)
        self.check_finite(validation_loss, 0.0)
        labels, probabilities = self.validation.labels, sigmoid(logits.reviews)
        threshold = best_threshold(labels, probabilities)
        best = progress.best
        progress.history.append(
            {
                "step": progress.step,
                "epoch": progress.epoch + progress.batch / self.batches,
                "validation_loss": validation_loss,
                **ranking_scores(labels, probabilities),
                "accuracy": decision_scores(labels, probabilities, 0.5)["accuracy"],
                "f1": decision_scores(labels, probabilities, threshold)["f1"],
                **StepRecord(progress.record).summary(),
                "learning_rate": self.optimizer.param_groups[0]["lr"],
            }
        )
        progress.seconds.append(progress.elapsed)
        progress.record = {}
        if progress.history[-1]["average_precision"] > best:
            progress.best_row = len(progress.history) - 1
            progress.best_weights = {k: v.detach().cpu().clone() for k, v in self.model.state_dict().items()}
        if self.name and processes.is_first():
            row = progress.history[-1]
            tqdm.write(
                f"{self.name}: epoch {row['epoch']:g}: loss {row['train_loss']:.4f},"
                f" validation loss {row['validation_loss']:.4f},"
                f" average precision {row['average_precision']:.4f}"
            )
            sys.stdout.flush()
        waited = len(progress.history) - 1 - progress.best_row
        progress.done = waited >= self.settings.patience * self.settings.validations_per_epoch

    def save(self) -> None:
        if self.checkpoint is None or not processes.is_first():
            return
        self.progress.elapsed = time.monotonic() - self.started
        self.checkpoint.save(
            {
                "model": self.model.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "progress": asdict(self.progress),
            }
        )

    def restore(self) -> None:
        state = self.checkpoint.load() if self.checkpoint and processes.is_first() else None
        state = processes.from_first(state)
        if state is None:
            return
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.progress = Progress(**state["progress"])
        if processes.is_first():
            print(f"{self.name}: going on after step {self.progress.step}", flush=True)

    def bar(self) -> tqdm:
        """A bar of tokens on a terminal, nothing elsewhere: the evaluations print their own lines there."""
        hidden = None if self.name and processes.is_first() else True
        tokens = len(self.train.ids)
        done = int(self.progress.step / self.batches * tokens)
        total = self.settings.epochs * tokens
        return tqdm(desc=self.name, total=total, initial=done, unit="token", unit_scale=True, disable=hidden)


@contextmanager
def catch_signals() -> Iterator[list[int]]:
    """Collect SIGINT and SIGTERM in a list, so that the loop can stop between two steps.

    A second signal acts at once, unless it comes with the first: torchrun passes on what the
    terminal has sent already. Does nothing outside the main thread.
    """
    caught: list[int] = []
    first = 0.0

    def catch(number: int, _frame) -> None:
        nonlocal first
        if caught and time.monotonic() - first > 1:
            raise KeyboardInterrupt
        if not caught:
            first = time.monotonic()
        caught.append(number)

    try:
        old = {number: signal.signal(number, catch) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not the main thread
        yield caught
        return
    try:
        yield caught
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
