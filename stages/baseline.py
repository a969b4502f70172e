"""Trains what a user would pick instead of a network: data/splits -> data/models/baseline.

TF-IDF with logistic regression, the length of the review alone, and the majority class.
"""

from pathlib import Path

from stages import params
from stages.baselines.models import WHOLE, fit, save
from stages.errors import run
from stages.files import replacing_folder
from stages.prediction.folder import complete
from stages.rnn.reviews import load
from stages.text.vocabulary import Vocabulary

SPLITS = Path("data/splits")


def main() -> None:
    settings = params.load()
    vocabulary = Vocabulary.load(SPLITS / "vocabulary.txt")
    train, validation = (load(SPLITS / f"{name}.parquet", WHOLE) for name in ("train", "validation"))
    baselines = fit(train, validation, len(vocabulary), settings.baseline)
    with replacing_folder("data/models/baseline") as folder:
        save(baselines, folder, SPLITS / "vocabulary.txt")
        how = settings.clean.mask_spoiler_word, settings.tokenize.lowercase
        complete(folder, "baseline", SPLITS / "vocabulary.txt", *how)
    print(f"TF-IDF: validation average precision {baselines.training['validation_average_precision']:.4f}")


if __name__ == "__main__":
    run(main)
