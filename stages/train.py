"""Trains one model on the training reviews: `python -m stages.train lstm`, `gru` or `gru_matched`.

The last is a GRU with as many numbers in its recurrent layers as the LSTM has.
"""

import argparse
from pathlib import Path

import torch

from spoilers.core import params
from spoilers.core.allocator import keep_freed_memory
from spoilers.core.errors import UserError, run
from spoilers.core.files import replacing_folder, write_json, write_text
from spoilers.metrics.scores import best_known_threshold, best_threshold
from spoilers.metrics.tables import to_csv
from spoilers.models import devices, vectors
from spoilers.models import folder as model_folder
from spoilers.models.batches import epoch_order, padding_share
from spoilers.models.build import architecture, build, check
from spoilers.models.counts import equal_gru_size
from spoilers.models.network import count_parameters
from spoilers.models.scoring import score, sigmoid
from spoilers.text.reviews import load
from spoilers.text.vocabulary import Vocabulary
from spoilers.training import processes
from spoilers.training.checkpoints import Checkpoint, digest
from spoilers.training.loop import Diverged, Training
from spoilers.training.optimizers import make

SPLITS = Path("data/splits")
CELLS = {"lstm": "lstm", "gru": "gru", "gru_matched": "gru"}


def main() -> None:
    name = parse_arguments().model
    settings = params.load()
    device = devices.choose(settings.machine.device)
    keep_freed_memory()
    processes.start(device)
    if name == "gru_matched":
        if settings.evaluate.match_parameters:
            settings = matched(settings)
        else:
            if processes.is_first():
                write_nothing(name)
            return processes.stop()

    vocabulary = Vocabulary.load(SPLITS / "vocabulary.txt")
    train = load(SPLITS / "train.parquet", settings.train.max_tokens)
    validation = load(SPLITS / "validation.parquet", settings.train.max_tokens)
    check(train, SPLITS / "train.parquet")
    check(validation, SPLITS / "validation.parquet")
    known = read_vectors(settings.model, vocabulary)
    arguments = architecture(CELLS[name], settings.model, len(vocabulary))
    model = build(arguments, train, settings.seed, known, settings.model.freeze_vectors).to(device)
    chosen = getattr(settings.optimizers, settings.optimizer)
    optimizer = make(chosen.settings, chosen.learning_rate, model.parameters())

    checkpoint = Checkpoint(digest(*determining(name, settings, device)), settings.machine.checkpoint_seconds)
    training = Training(model, optimizer, train, validation, settings.train, settings.seed, checkpoint, name)
    try:
        progress = training.run()
    except Diverged as diverged:
        checkpoint.remove()
        raise UserError(
            f"train_{name}: {diverged}; lower optimizers.{settings.optimizer}.learning_rate in params.yaml"
        ) from diverged

    if processes.is_first():
        write(name, settings, training, arguments, known)
        checkpoint.remove()
        best = progress.history[progress.best_row]
        print(
            f"{name}: validation average precision {best['average_precision']:.4f} at epoch {best['epoch']:g}"
        )
    processes.stop()


def matched(settings: params.Params) -> params.Params:
    """The settings with a hidden size at which the GRU has the LSTM's number of recurrent parameters."""
    size = {"hidden_size": equal_gru_size(settings.model)}
    return settings.model_copy(update={"model": settings.model.model_copy(update=size)})


def write_nothing(name: str) -> None:
    """Empty outputs, where `evaluate.match_parameters` is off: DVC wants them to be there."""
    write_text(f"reports/curves/{name}.csv", "")
    write_json(f"reports/timings/{name}.json", {})
    with replacing_folder(f"data/models/{name}"):
        print(f"{name}: switched off by evaluate.match_parameters")


def determining(name: str, settings: params.Params, device: torch.device) -> tuple[dict, list[Path]]:
    """The settings and the files that the trained model depends on."""
    values = {
        "cell": name,
        "seed": settings.seed,
        "optimizer": {settings.optimizer: getattr(settings.optimizers, settings.optimizer).model_dump()},
        "model": settings.model.model_dump(),
        "train": settings.train.model_dump(exclude={"launcher"}),
        "device": device.type,
        "processes": processes.world_size(),
    }
    files = [SPLITS / name for name in ("train.parquet", "validation.parquet", "vocabulary.txt")]
    return values, files + ([Path(settings.model.vectors)] if settings.model.vectors else [])


def read_vectors(settings: params.Model, vocabulary: Vocabulary) -> vectors.WordVectors | None:
    if settings.vectors is None:
        return None
    known = vectors.read(settings.vectors, vocabulary, settings.embedding_size)
    if processes.is_first():
        print(f"{settings.vectors}: has vectors of {known.coverage:.1%} of the vocabulary")
    return known


def write(
    name: str,
    settings: params.Params,
    training: Training,
    arguments: dict,
    known: vectors.WordVectors | None,
) -> None:
    """Write the curves, the wall-clock figures and, last, the model with what is to be known of it."""
    progress, train, validation = training.progress, training.train, training.validation
    logits = score(training.model, validation, training.device, settings.train.precision)
    order = epoch_order(train.lengths, settings.train.batch_size, settings.seed, epoch=0)
    best, last = progress.history[progress.best_row], progress.history[-1]
    description = {
        "architecture": arguments,
        "threshold": best_threshold(validation.labels, sigmoid(logits.reviews)),
        # Without a loss of its own, the sentence layer has learned nothing.
        "sentence_threshold": best_known_threshold(validation.sentence_labels, sigmoid(logits.sentences))
        if settings.train.sentence_weight
        else None,
        "max_tokens": settings.train.max_tokens,
        "precision": settings.train.precision,
        "training": {
            "optimizer": settings.optimizer,
            "epochs": last["epoch"],
            "best_epoch": best["epoch"],
            "steps": progress.step,
            "validation_average_precision": best["average_precision"],
            "padding": padding_share(train.lengths, order),
            "parameters": count_parameters(training.model),
            "vectors": known and {"file": settings.model.vectors, "coverage": known.coverage},
        },
    }
    write_text(f"reports/curves/{name}.csv", to_csv(progress.history))
    tokens = int(train.lengths.sum() * last["epoch"])
    seconds = progress.seconds[-1]
    timings = {"training_seconds": seconds, "training_tokens_per_second": tokens / seconds}
    write_json(f"reports/timings/{name}.json", {key: round(value, 1) for key, value in timings.items()})
    with replacing_folder(f"data/models/{name}") as folder:
        how = settings.clean.mask_spoiler_word, settings.tokenize.lowercase
        model_folder.save(folder, name, progress.best_weights, description, SPLITS / "vocabulary.txt", *how)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=CELLS)
    return parser.parse_args()


if __name__ == "__main__":
    run(main)
