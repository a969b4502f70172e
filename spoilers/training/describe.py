"""What is kept of a training beside the weights: thresholds, and how it went."""

from spoilers.core.params import Params
from spoilers.metrics.scores import best_known_threshold, best_threshold
from spoilers.models.batches import epoch_order, padding_share
from spoilers.models.build import architecture
from spoilers.models.counts import count_parameters
from spoilers.models.network import Cell
from spoilers.models.scoring import score, sigmoid
from spoilers.training.loop import Training
from spoilers.training.prepare import Data


def describe(cell: Cell, training: Training, data: Data, params: Params) -> dict:
    """Return what `model.json` says of a trained network; its thresholds are chosen on validation."""
    logits = score(training.model, data.validation, training.device, params.train.precision)
    return {
        "architecture": architecture(cell, params.model, data.words),
        "threshold": best_threshold(data.validation.labels, sigmoid(logits.reviews)),
        # Without a loss of its own, the sentence layer has learned nothing.
        "sentence_threshold": best_known_threshold(data.validation.sentence_labels, sigmoid(logits.sentences))
        if params.train.sentence_weight
        else None,
        "max_tokens": params.train.max_tokens,
        "precision": params.train.precision,
        "training": history_summary(training, data, params),
    }


def history_summary(training: Training, data: Data, params: Params) -> dict:
    progress, lengths = training.progress, data.train.lengths
    best, last = progress.history[progress.best_row], progress.history[-1]
    order = epoch_order(lengths, params.train.batch_size, params.seed, epoch=0)
    vectors = data.vectors and {"file": params.model.vectors, "coverage": data.vectors.coverage}
    return {
        "optimizer": params.optimizer,
        "epochs": last["epoch"],
        "best_epoch": best["epoch"],
        "steps": progress.step,
        "validation_average_precision": best["average_precision"],
        "padding": padding_share(lengths, order),
        "parameters": count_parameters(training.model),
        "vectors": vectors,
    }


def timings(training: Training) -> dict[str, float]:
    """Return the wall-clock figures of a training: seconds, and real tokens per second."""
    progress = training.progress
    seconds = progress.seconds[-1]
    tokens = int(training.train.lengths.sum() * progress.history[-1]["epoch"])
    figures = {"training_seconds": seconds, "training_tokens_per_second": tokens / seconds}
    return {name: round(value, 1) for name, value in figures.items()}
