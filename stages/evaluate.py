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
from spoilers.studies import comparison, mistakes, slices
from spoilers.text.reviews import ReviewFile
from spoilers.text.vocabulary import Vocabulary

TRAIN, TEST = Path("data/splits/train.parquet"), Path("data/splits/test.parquet")
VOCABULARY, RESULTS = Path("data/splits/vocabulary.txt"), Path("data/results")
MODELS, SEEDS = Path("data/models"), Path("data/seeds")


def main() -> None:
    settings = params.load()
    keep_freed_memory()
    table = pq.read_table(TEST, columns=slices.COLUMNS)
    networks = {
        name: comparison.run_network(folders, VOCABULARY, TEST, settings.machine.device)
        for name, folders in comparison.folders_of(CELLS, MODELS, SEEDS, settings.seed).items()
    }
    simple = load_model(MODELS / "baseline", vocabulary=VOCABULARY).baselines
    started = time.monotonic()
    found = simple.probabilities(ReviewFile(TEST, WHOLE), settings.machine.workers)
    speeds = {name: network.speed for name, network in networks.items()}
    speeds["tfidf"] = round(slices.sentences_of(table)[0].sum() / (time.monotonic() - started))
    write_json("reports/timings/inference.json", {"tokens_per_second": speeds})

    books = table["book_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    resamples = Resamples.of(books, settings.evaluate.bootstrap, settings.seed)
    evaluation = comparison.evaluate(
        networks, found, simple.thresholds, resamples, settings.evaluate.confidence, settings.seed
    )
    write_scores(evaluation, list(networks))
    write_json(RESULTS / "comparison.json", comparison.compare(evaluation, networks, simple, table, MODELS))
    known = pq.read_table(TRAIN, columns=["book_id"])["book_id"].unique()
    parts = slices.slices_of(table, known, networks["lstm"].flagged)
    write_json(RESULTS / "slices.json", {"slices": slices.score_slices(parts, evaluation, list(networks))})
    ours = read_json("data/raw/source.json")["source"] == "sample"
    words = Vocabulary.load(VOCABULARY).words if ours else None  # others' text is not ours to print
    errors = mistakes.surest_of_all(evaluation, networks, table, words)
    write_json(RESULTS / "errors.json", {"errors": errors})
    with replacing("data/predictions/test.parquet") as path:
        predictions = comparison.predictions(table, evaluation.probabilities)
        pq.write_table(predictions, path, compression="zstd")


def write_scores(evaluation: Evaluation, networks: list[str]) -> None:
    for name in (*networks, "tfidf", "length", "majority"):
        scores = evaluation.headline(name)
        write_json(f"reports/metrics/{name}.json", scores)
        print(f"{name:8} average precision {scores['average_precision']:.4f}")
    for name, rows in comparison.curves(evaluation, networks).items():
        write_text(f"reports/curves/test/{name}.csv", to_csv(rows))


if __name__ == "__main__":
    run(main)
