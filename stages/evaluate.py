"""Scores every model on the same test reviews: data/models -> data/predictions, reports/metrics."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from spoilers.core import params
from spoilers.core.allocator import keep_freed_memory
from spoilers.core.errors import run
from spoilers.core.files import read_json, replacing, write_json, write_text
from spoilers.metrics.evaluation import Evaluation, sentence_scores
from spoilers.metrics.intervals import Resamples
from spoilers.metrics.tables import to_csv
from spoilers.models.baselines import WHOLE
from spoilers.models.folder import load as load_model
from spoilers.models.network import SpoilerRNN
from spoilers.models.scoring import Logits, score, sigmoid
from spoilers.studies.attribution import contributions
from spoilers.studies.cost import cost_of_network, cost_of_tfidf
from spoilers.studies.mistakes import leading, sentence_at, surest
from spoilers.studies.slices import score_slices, slices_of, test_size
from spoilers.text.reviews import Reviews, load
from spoilers.text.vocabulary import Vocabulary

TRAIN, TEST = Path("data/splits/train.parquet"), Path("data/splits/test.parquet")
VOCABULARY = Path("data/splits/vocabulary.txt")
MODELS = Path("data/models")
METRICS, CURVES, TIMINGS = Path("reports/metrics"), Path("reports/curves"), Path("reports/timings")
CLASS = ("no spoiler", "spoiler")
CONFUSION_ROWS = 5000  # what the template of `dvc plots` can show


@dataclass(frozen=True)
class Network:
    """A trained network, and what it says of the test reviews."""

    model: SpoilerRNN
    description: dict  # its model.json
    test: Reviews  # as it reads them
    logits: Logits
    seconds: float

    @property
    def device(self) -> str:
        """The kind of device that it is on."""
        return next(self.model.parameters()).device.type

    @property
    def flagged(self) -> np.ndarray:
        """Whether a sentence that is flagged as a spoiler is read, bool (reviews)."""
        flags = np.nan_to_num(self.test.sentence_labels)
        return np.bincount(self.test.review_of_sentence, flags, len(self.test)) > 0


def main() -> None:
    settings = params.load()
    keep_freed_memory()
    names = ("lstm", "gru", "gru_matched") if settings.evaluate.match_parameters else ("lstm", "gru")
    networks = {name: run_network(MODELS / name, settings.machine.device) for name in names}
    simple = load_model(MODELS / "baseline", vocabulary=VOCABULARY).baselines
    whole, table = load(TEST, WHOLE), pq.read_table(TEST)
    probabilities = {name: sigmoid(network.logits.reviews) for name, network in networks.items()}
    started = time.monotonic()
    probabilities |= simple.probabilities(whole)
    simple_seconds = time.monotonic() - started

    thresholds = {name: network.description["threshold"] for name, network in networks.items()}
    books = table["book_id"].combine_chunks().to_numpy(zero_copy_only=False)
    resamples = Resamples.of(books, settings.evaluate.bootstrap, settings.seed)
    evaluation = Evaluation(
        whole.labels, resamples, probabilities, thresholds | simple.thresholds, settings.evaluate.confidence
    )
    write_scores(evaluation, networks, table)
    write_curves(evaluation)
    write_predictions(table, probabilities)
    write_slices(evaluation, table, networks["lstm"].flagged)
    write_json(METRICS / "errors.json", {"errors": list(errors(evaluation, networks, table))})
    speeds = [
        {"model": name, "tokens_per_second": round(len(network.test.ids) / network.seconds)}
        for name, network in networks.items()
    ]
    speeds.append({"model": "tfidf", "tokens_per_second": round(len(whole.ids) / simple_seconds)})
    write_json(TIMINGS / "inference.json", {"inference": speeds})


def run_network(folder: Path, device_name: str) -> Network:
    loaded = load_model(folder, device_name, VOCABULARY)
    test = load(TEST, loaded.max_tokens)
    started = time.monotonic()
    logits = score(loaded.network, test, loaded.device, loaded.precision)
    return Network(loaded.network, loaded.description, test, logits, time.monotonic() - started)


def write_scores(evaluation: Evaluation, networks: dict[str, Network], table: pa.Table) -> None:
    scores = {name: evaluation.scores(name) for name in evaluation.probabilities}
    for name, found in scores.items():
        if name != "gru_matched":  # whose file would not always be there
            write_json(METRICS / f"{name}.json", found)
        print(f"{name:12} average precision {found['average_precision']:.4f}")
    sentences = []
    for name, network in networks.items():
        test = network.test
        found = sentence_scores(test.sentence_labels, network.logits.sentences, test.review_of_sentence)
        sentences += [{"model": name, **found}] if found else []
    curved = [name for name in scores if name not in ("length", "majority")]
    comparison = {
        "test": [test_size(table)],
        "models": [{"model": name, **scores[name], **evaluation.details(name)} for name in scores],
        "pairs": evaluation.pairs(),
        "sentences": sentences,
        "cost": [cost_of_network(MODELS / name, network.device) for name, network in networks.items()]
        + [cost_of_tfidf(MODELS / "baseline")],
        "calibration": [row for name in curved for row in evaluation.calibration(name)],
    }
    write_json(METRICS / "comparison.json", comparison)


def write_curves(evaluation: Evaluation) -> None:
    for name in ("lstm", "gru", "tfidf", "length"):
        precision_recall, roc = evaluation.curves(name)
        write_text(CURVES / f"precision_recall_{name}.csv", to_csv(precision_recall))
        write_text(CURVES / f"roc_{name}.csv", to_csv(roc))
    for name in ("lstm", "gru"):
        pairs = zip(evaluation.labels, evaluation.called[name], strict=True)
        rows = [{"actual": CLASS[int(actual)], "predicted": CLASS[int(called)]} for actual, called in pairs]
        write_text(CURVES / f"confusion_{name}.csv", to_csv(rows[:CONFUSION_ROWS]))


def write_predictions(table: pa.Table, probabilities: dict[str, np.ndarray]) -> None:
    predictions = table.select(["review_id", "book_id", "label"])
    for name, values in probabilities.items():
        predictions = predictions.append_column(name, [values.astype(np.float32)])
    with replacing("data/predictions/test.parquet") as path:
        pq.write_table(predictions, path, compression="zstd")


def write_slices(evaluation: Evaluation, table: pa.Table, flagged: np.ndarray) -> None:
    books = pq.read_table(TRAIN, columns=["book_id"])["book_id"].unique()
    probabilities = {name: evaluation.probabilities[name] for name in ("lstm", "gru")}
    slices = score_slices(
        slices_of(table, books, flagged),
        evaluation.labels,
        probabilities,
        evaluation.resamples,
        evaluation.confidence,
    )
    write_json(METRICS / "slices.json", {"slices": slices})


def errors(evaluation: Evaluation, networks: dict[str, Network], table: pa.Table) -> Iterator[dict]:
    """The surest mistakes of LSTM and GRU: ids of the reviews and of the words; the text where it is ours."""
    ours = read_json("data/raw/source.json")["source"] == "sample"
    vocabulary = Vocabulary.load(VOCABULARY)
    ids, books = table["review_id"].to_pylist(), table["book_id"].to_pylist()
    for name in ("lstm", "gru"):
        network, probabilities = networks[name], evaluation.probabilities[name]
        for kind, row in surest(evaluation.labels, probabilities, evaluation.thresholds[name]):
            given = contributions(network.model, network.test, row)
            review = network.test.choose(np.array([row]))
            places = leading(kind, given)
            text = {}
            if ours and len(places):
                words = [vocabulary.words[i] for i in review.ids]
                text = {"sentence": sentence_at(places[0], words, review.sentence_lengths)}
            yield {
                "model": name,
                "kind": kind,
                "review_id": ids[row],
                "book_id": books[row],
                "probability": round(float(probabilities[row]), 4),
                "tokens": len(given),
                "words": [
                    {"place": int(i), "id": int(review.ids[i]), "given": round(float(given[i]), 2)}
                    for i in places
                ],
                **text,
            }


if __name__ == "__main__":
    run(main)
