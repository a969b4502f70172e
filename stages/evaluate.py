"""Scores every model on the same test reviews: data/models -> data/predictions, data/results, reports."""

import time
from pathlib import Path

import pyarrow.parquet as pq

from spoilers.core import params
from spoilers.core.allocator import keep_freed_memory
from spoilers.core.errors import run
from spoilers.core.files import read_json, replacing, write_json, write_text
from spoilers.metrics.evaluation import Evaluation
from spoilers.metrics.intervals import Resamples
from spoilers.metrics.tables import to_csv
from spoilers.models.baselines import WHOLE
from spoilers.models.folder import load as load_model
from spoilers.models.network import CELLS
from spoilers.models.scoring import sigmoid
from spoilers.studies import comparison, mistakes, slices
from spoilers.text.reviews import load
from spoilers.text.vocabulary import Vocabulary

TRAIN, TEST = Path("data/splits/train.parquet"), Path("data/splits/test.parquet")
VOCABULARY, MODELS, RESULTS = Path("data/splits/vocabulary.txt"), Path("data/models"), Path("data/results")


def main() -> None:
    settings = params.load()
    keep_freed_memory()
    networks = {
        name: comparison.run_network(MODELS / name, VOCABULARY, TEST, settings.machine.device)
        for name in CELLS
    }
    simple = load_model(MODELS / "baseline", vocabulary=VOCABULARY).baselines
    whole, table = load(TEST, WHOLE), pq.read_table(TEST)
    probabilities = {name: sigmoid(network.logits.reviews) for name, network in networks.items()}
    started = time.monotonic()
    probabilities |= simple.probabilities(whole)
    speeds = {name: network.speed for name, network in networks.items()}
    speeds["tfidf"] = round(len(whole.ids) / (time.monotonic() - started))
    write_json("reports/timings/inference.json", {"tokens_per_second": speeds})

    thresholds = {name: network.description["threshold"] for name, network in networks.items()}
    books = table["book_id"].combine_chunks().to_numpy(zero_copy_only=False)
    resamples = Resamples.of(books, settings.evaluate.bootstrap, settings.seed)
    thresholds |= simple.thresholds
    evaluation = Evaluation(whole.labels, resamples, probabilities, thresholds, settings.evaluate.confidence)
    write_scores(evaluation, networks)
    write_json(RESULTS / "comparison.json", comparison.compare(evaluation, networks, table, MODELS))
    known = pq.read_table(TRAIN, columns=["book_id"])["book_id"].unique()
    parts = slices.slices_of(table, known, networks["lstm"].flagged)
    write_json(RESULTS / "slices.json", {"slices": slices.score_slices(parts, evaluation, list(networks))})
    ours = read_json("data/raw/source.json")["source"] == "sample"
    words = Vocabulary.load(VOCABULARY).words if ours else None  # others' text is not ours to print
    found = mistakes.surest_of_all(evaluation, networks, table, words)
    write_json(RESULTS / "errors.json", {"errors": found})
    with replacing("data/predictions/test.parquet") as path:
        pq.write_table(comparison.predictions(table, probabilities), path, compression="zstd")


def write_scores(evaluation: Evaluation, networks: dict[str, comparison.Network]) -> None:
    for name in (*CELLS, "tfidf", "length", "majority"):
        scores = evaluation.headline(name)
        write_json(f"metrics/{name}.json", scores)
        print(f"{name:8} average precision {scores['average_precision']:.4f}")
    for name, rows in comparison.curves(evaluation, list(networks)).items():
        write_text(f"reports/curves/test/{name}.csv", to_csv(rows))


if __name__ == "__main__":
    run(main)
