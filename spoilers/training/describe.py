"""The description saved with the weights: temperature, thresholds, and training summary."""

from spoilers.core.params import Params
from spoilers.metrics.scores import best_known_threshold, best_threshold
from spoilers.models.batches import epoch_order, padding_share
from spoilers.models.build import architecture
from spoilers.models.counts import count_parameters
from spoilers.models.scoring import score, sigmoid
from spoilers.training.calibration import fit_temperature
from spoilers.training.loop import Training
from spoilers.training.prepare import Choice, Data


def describe(choice: Choice, training: Training, data: Data, params: Params) -> dict:
    """Return the contents of a trained network's `model.json`.

    The temperature and thresholds are chosen on validation.
    """
    logits = score(training.model, data.validation, training.device, params.train.precision)
    temperature = fit_temperature(data.validation.labels, logits.reviews)
    return {
        "architecture": architecture(choice.cell, params.model, data.words),
        "temperature": temperature,
        "threshold": best_threshold(data.validation.labels, sigmoid(logits.reviews, temperature)),
        # Without a loss of its own, the sentence layer has learned nothing.
        "sentence_threshold": best_known_threshold(data.validation.sentence_labels, sigmoid(logits.sentences))
        if params.train.sentence_weight
        else None,
        "max_tokens": params.train.max_tokens,
        "precision": params.train.precision,
        "training": history_summary(choice, training, data, params),
    }


def history_summary(choice: Choice, training: Training, data: Data, params: Params) -> dict:
    """Summarize a training in a few numbers."""
    progress, lengths = training.progress, data.train.lengths
    best, last = progress.history[progress.best_row], progress.history[-1]
    order = epoch_order(lengths, params.train.batch_size, choice.seed, epoch=0)
    vectors = data.vectors and {"file": params.model.vectors, "coverage": data.vectors.coverage}
    return {
        "seed": choice.seed,
        "optimizer": choice.optimizer,
        "epochs": last["epoch"],
        "best_epoch": best["epoch"],
        "steps": progress.step,
        "validation_average_precision": best["average_precision"],
        "validation_loss": best["validation_loss"],
        "train_loss": best["train_loss"],
        "padding": padding_share(lengths, order),
        "parameters": count_parameters(training.model),
        "vectors": vectors,
    }
