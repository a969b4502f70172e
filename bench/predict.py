"""Measure speed and memory of `spoilers predict` on reviews of Goodreads' lengths.

`python -m bench.predict` writes a synthetic file (by default REVIEWS=100000), scores it with an LSTM in
fresh processes, and puts a table into bench/README.md. For comparison, it also measures inference as
bench.train does: the network alone, on reviews that are ready in memory.
"""

import os
import shutil

import torch

from bench import data, page, train
from bench.data import FOLDER, RAW, measure, spell
from spoilers.models.build import architecture
from spoilers.models.folder import save
from spoilers.models.network import SpoilerRNN
from spoilers.prediction.detector import SpoilerDetector
from spoilers.prediction.files import prepare
from spoilers.text.reviews import from_table
from spoilers.text.vocabulary import SPECIAL, Vocabulary

HEADING = "## Prediction"
BEGIN, END = "<!-- prediction: begin -->", "<!-- prediction: end -->"
MODEL = FOLDER / "model"
OUTPUTS = ("predictions.parquet", "predictions.jsonl", "predictions.csv.gz")
ALONE = 3200  # reviews for bench.train's inference speed, the default there


def write_model() -> None:
    """Save an LSTM of the size and vocabulary that bench.train uses, with random weights."""
    MODEL.mkdir(parents=True)
    vocabulary = FOLDER / "vocabulary.txt"
    Vocabulary(SPECIAL + [spell(rank) for rank in range(train.WORDS - len(SPECIAL))]).save(vocabulary)
    size, batch = train.SHAPES[0]
    arguments = architecture("lstm", train.settings_for(size, batch, "float32").model, train.WORDS)
    torch.manual_seed(train.SEED)
    description = {
        "architecture": arguments,
        "threshold": 0.5,
        "sentence_threshold": 0.5,
        "max_tokens": train.LONGEST,
        "precision": "float32",
    }
    weights = SpoilerRNN(**arguments).state_dict()
    save(MODEL, "lstm", weights, description, vocabulary, mask_spoiler_word=False, lowercase=True)


def count_tokens() -> int:
    """Return the number of tokens that the model reads."""
    detector = SpoilerDetector.load(MODEL)
    tables = (batch.encoded.table for batch in prepare(detector, FOLDER / RAW, None))
    return sum(len(from_table(table, train.LONGEST).ids) for table in tables)


def tabulate(reviews: int) -> str:
    tokens = count_tokens()
    size, batch = train.SHAPES[0]
    alone = train.measure("ours", "lstm", size, batch, "float32", ALONE)["inference"]
    lines = [
        f"{reviews:,} synthetic reviews in {(FOLDER / RAW).stat().st_size / 1e6:,.0f} MB of gzip, {tokens:,}"
        f" tokens read; LSTM of size {size}, {train.threads()}. From the command to"
        " its end, loading of Python and PyTorch included. The network alone, on reviews that are ready in"
        f" memory, takes {alone / 1e3:.0f} thousand tokens a second (the inference figure of bench-train,"
        " measured in this run).",
        "",
        "| output | seconds | reviews/s | thousand tokens/s | of the network alone | peak memory, GB |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for output in OUTPUTS:
        files = ("--model", str(MODEL), "--input", str(RAW), "--output", output)
        row = measure(output, reviews, "spoilers", "predict", *files)
        speed = tokens / row.seconds
        lines.append(
            f"| {output.partition('.')[2]} | {row.seconds:.1f} | {reviews / row.seconds:,.0f}"
            f" | {speed / 1e3:.0f} | {speed / alone:.2f} | {row.peak:.2f} |"
        )
        print(lines[-1], flush=True)
    return "\n".join(lines) + "\n"


def main() -> None:
    reviews = int(os.environ.get("REVIEWS", 100_000))
    shutil.rmtree(FOLDER, ignore_errors=True)
    try:
        data.write_reviews(FOLDER / RAW, reviews)
        write_model()
        page.put(HEADING, BEGIN, END, tabulate(reviews))
    finally:
        shutil.rmtree(FOLDER)


if __name__ == "__main__":
    main()
