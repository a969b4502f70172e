"""Trains the models a user would pick instead of a network: data/splits -> data/models/baseline.

TF-IDF with logistic regression on reviews and on sentences, length alone, and the majority class.
"""

import time
from pathlib import Path

from spoilers.core import params
from spoilers.core.errors import run
from spoilers.core.files import replacing_folder, write_json
from spoilers.models import folder as model_folder
from spoilers.models.baselines import WHOLE, fit
from spoilers.text.reviews import ReviewFile
from spoilers.text.vocabulary import Vocabulary

SPLITS = Path("data/splits")


def main() -> None:
    settings = params.load()
    vocabulary = Vocabulary.load(SPLITS / "vocabulary.txt")
    train, validation = (ReviewFile(SPLITS / f"{name}.parquet", WHOLE) for name in ("train", "validation"))
    started = time.monotonic()
    baselines = fit(train, validation, len(vocabulary), settings.baseline, settings.machine.workers)
    write_json("reports/timings/tfidf.json", {"training_seconds": round(time.monotonic() - started, 1)})
    with replacing_folder("data/models/baseline") as folder:
        how = settings.clean.mask_spoiler_word, settings.tokenize.lowercase
        saved = baselines.weights(), baselines.description()
        model_folder.save(folder, "baseline", *saved, SPLITS / "vocabulary.txt", *how)
    chosen = {"reviews": baselines.training, "sentences": baselines.training.get("tfidf_sentences")}
    for what, told in chosen.items():
        if told:
            print(
                f"TF-IDF on {what}: validation average precision {told['validation_average_precision']:.4f}"
            )


if __name__ == "__main__":
    run(main)
