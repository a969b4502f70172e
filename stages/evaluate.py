"""Scores every model on the same test reviews: data/models -> data/predictions, data/results, reports."""

import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from spoilers.core import params
from spoilers.core.allocator import keep_freed_memory
from spoilers.core.errors import run
from spoilers.core.files import read_json, replacing, write_json, write_text
from spoilers.metrics.evaluation import Evaluation
from spoilers.metrics.intervals import Resamples
from spoilers.metrics.tables import to_csv
from spoilers.models import baselines
from spoilers.models.network import CELLS
from spoilers.models.scoring import sigmoid
from spoilers.studies.comparison import Network, compare, decisions, run_network
from spoilers.studies.mistakes import explain
from spoilers.studies.slices import score_slices, slices_of
from spoilers.text.reviews import load
from spoilers.text.vocabulary import Vocabulary

TRAIN, TEST = Path("data/splits/train.parquet"), Path("data/splits/test.parquet")
VOCABULARY, MODELS, RESULTS = Path("data/splits/vocabulary.txt"), Path("data/models"), Path("data/results")
CURVES = Path("reports/curves/test")
CONFUSION_ROWS = 5000  # as many as the template of `dvc plots` can show


def main() -> None:
    settings = params.load()
    keep_freed_memory()
    device = settings.machine.device
    networks = {name: run_network(MODELS / name, VOCABULARY, TEST, device) for name in CELLS}
    simple = baselines.load(MODELS / "baseline", VOCABULARY)
    whole, table = load(TEST, baselines.WHOLE), pq.read_table(TEST)
    probabilities = {name: sigmoid(network.logits.reviews) for name, network in networks.items()}
    started = time.monotonic()
    probabilities |= simple.probabilities(whole)
    speeds = {name: network.speed for name, network in networks.items()}
    speeds["tfidf"] = round(len(whole.ids) / (time.monotonic() - started))
    write_json("reports/timings/inference.json", {"tokens_per_second": speeds})

    thresholds = {name: network.description["threshold"] for name, network in networks.items()}
    books = table["book_id"].combine_chunks().to_numpy(zero_copy_only=False)
    resamples = Resamples.of(books, settings.evaluate.bootstrap, settings.seed)
    evaluation = Evaluation(
        whole.labels, resamples, probabilities, thresholds | simple.thresholds, settings.evaluate.confidence
    )
    write_json(RESULTS / "comparison.json", compare(evaluation, networks, table, MODELS))
    write_json(RESULTS / "slices.json", {"slices": slices(evaluation, table, networks["lstm"].flagged)})
    write_json(RESULTS / "errors.json", {"errors": errors(evaluation, networks, table)})
    write_scores(evaluation, networks)
    write_predictions(table, probabilities)


def write_scores(evaluation: Evaluation, networks: dict[str, Network]) -> None:
    for name in evaluation.probabilities:
        found = evaluation.headline(name)
        write_json(f"reports/metrics/{name}.json", found)
        print(f"{name:8} average precision {found['average_precision']:.4f}")
    for name in (*networks, "tfidf", "length"):
        precision_recall, roc = evaluation.curves(name)
        write_text(CURVES / f"precision_recall_{name}.csv", to_csv(precision_recall))
        write_text(CURVES / f"roc_{name}.csv", to_csv(roc))
    for name in networks:
        rows = decisions(evaluation.labels, evaluation.called[name])
        write_text(CURVES / f"confusion_{name}.csv", to_csv(rows[:CONFUSION_ROWS]))


def write_predictions(table: pa.Table, probabilities: dict[str, np.ndarray]) -> None:
    predictions = table.select(["review_id", "book_id", "label"])
    for name, values in probabilities.items():
        predictions = predictions.append_column(name, [values.astype(np.float32)])
    with replacing("data/predictions/test.parquet") as path:
        pq.write_table(predictions, path, compression="zstd")


def slices(evaluation: Evaluation, table: pa.Table, flagged: np.ndarray) -> list[dict]:
    books = pq.read_table(TRAIN, columns=["book_id"])["book_id"].unique()
    networks = {name: evaluation.probabilities[name] for name in CELLS}
    found = slices_of(table, books, flagged)
    return score_slices(found, evaluation.labels, networks, evaluation.resamples, evaluation.confidence)


def errors(evaluation: Evaluation, networks: dict[str, Network], table: pa.Table) -> list[dict]:
    """Return the surest mistakes of the networks; the text only where it is the sample's."""
    ours = read_json("data/raw/source.json")["source"] == "sample"
    words = Vocabulary.load(VOCABULARY).words if ours else None
    ids, books = table["review_id"].to_pylist(), table["book_id"].to_pylist()
    return [
        {"model": name, "review_id": ids[row], "book_id": books[row], **found}
        for name, network in networks.items()
        for row, found in explain(
            network.model, network.test, evaluation.probabilities[name], evaluation.thresholds[name], words
        )
    ]


if __name__ == "__main__":
    run(main)
