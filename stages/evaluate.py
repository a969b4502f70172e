"""Scores every model on the same test reviews: data/models -> data/predictions, reports/metrics."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from stages import params
from stages.baselines import models as baselines
from stages.errors import run
from stages.files import replacing, write_json, write_text
from stages.results.evaluation import curves, evaluate, sentence_scores
from stages.results.tables import to_csv
from stages.rnn import devices, storage
from stages.rnn.allocator import keep_freed_memory
from stages.rnn.reviews import load
from stages.rnn.scoring import score, sigmoid

TEST = Path("data/splits/test.parquet")
VOCABULARY = Path("data/splits/vocabulary.txt")
MODELS = Path("data/models")
CONFUSION_ROWS = 5000  # what the template of `dvc plots` can show


def main() -> None:
    settings = params.load()
    keep_freed_memory()
    device = devices.choose(settings.train.device)
    probabilities, thresholds, sentences = {}, {}, []
    for cell in ("lstm", "gru"):
        model, description = storage.load(MODELS / cell, VOCABULARY)
        test = load(TEST, description["max_tokens"])
        logits = score(model.to(device), test, settings.train, device)
        probabilities[cell] = sigmoid(logits.reviews)
        thresholds[cell] = description["threshold"]
        review = np.repeat(np.arange(len(test)), test.sentence_counts)
        found = sentence_scores(test.sentence_labels, logits.sentences, review)
        sentences += [{"model": cell, **found}] if found else []
    simple = baselines.load(MODELS / "baseline", VOCABULARY)
    probabilities |= simple.probabilities(load(TEST, baselines.WHOLE))
    thresholds |= simple.thresholds

    table = pq.read_table(TEST, columns=["review_id", "book_id", "label"])
    labels, books = table["label"].to_numpy().astype(np.float32), table["book_id"].to_numpy()
    models, pairs = evaluate(labels, books, probabilities, thresholds, settings.evaluate, settings.seed)
    for name, scores in models.items():
        write_json(f"reports/metrics/{name}.json", scores)
    write_json("reports/metrics/comparison.json", {"pairs": pairs, "sentences": sentences})

    for name, values in probabilities.items():
        table = table.append_column(name, [values.astype(np.float32)])
        if name != "majority":  # its curve is a point
            pr, roc = curves(labels, values)
            write_text(f"reports/curves/precision_recall_{name}.csv", to_csv(pr))
            write_text(f"reports/curves/roc_{name}.csv", to_csv(roc))
    for cell in ("lstm", "gru"):
        called = probabilities[cell] >= thresholds[cell]
        pairs = zip(labels[:CONFUSION_ROWS], called[:CONFUSION_ROWS], strict=True)
        rows = [{"actual": CLASS[int(actual)], "predicted": CLASS[int(said)]} for actual, said in pairs]
        write_text(f"reports/curves/confusion_{cell}.csv", to_csv(rows))
    with replacing("data/predictions/test.parquet") as path:
        pq.write_table(table, path, compression="zstd")
    for name, scores in models.items():
        print(f"{name:10} average precision {scores['average_precision']:.4f}")


CLASS = ("no spoiler", "spoiler")


if __name__ == "__main__":
    run(main)
