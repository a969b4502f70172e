"""Records the gate activations of the trained models over one test review: data/models -> data/results."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from spoilers.core.errors import run
from spoilers.core.files import read_json, replacing, write_json
from spoilers.models.folder import load as load_model
from spoilers.models.network import CELLS
from spoilers.studies import gates
from spoilers.studies.reading import read, sentences_of
from spoilers.text.reviews import ReviewFile
from spoilers.text.vocabulary import Vocabulary

TEST, VOCABULARY = Path("data/splits/test.parquet"), Path("data/splits/vocabulary.txt")
RESULTS = Path("data/results")
AT_ONCE = 8192  # reviews in memory


def main() -> None:
    models = {cell: load_model(Path("data/models") / cell, "cpu", VOCABULARY) for cell in CELLS}
    scored = pq.read_table("data/predictions/test.parquet", columns=list(CELLS))
    called = np.all([scored[cell].to_numpy() >= model.threshold for cell, model in models.items()], axis=0)
    test = ReviewFile(TEST, models["lstm"].max_tokens)
    review, row, granted = gates.choose_review(test.blocks(AT_ONCE), called)

    tables, summaries = [], []
    for cell, model in models.items():
        for gate, values in gates.activations(cell, model.network, review.ids)[0].items():
            tables.append(gates.long_table(cell, gate, values))
            summaries.append(gates.summary(cell, gate, values))
    with replacing(RESULTS / "gates.parquet") as path:
        pq.write_table(pa.concat_tables(tables), path, compression="zstd")

    ours = read_json("data/raw/source.json")["source"] == "sample"
    words = Vocabulary.load(VOCABULARY).words if ours else None  # others' words are not ours to print
    flagged = np.repeat(review.sentence_labels == 1, review.sentence_lengths)
    tokens = [{"token": i + 1, "flagged": int(flag)} for i, flag in enumerate(flagged)]
    if words:
        tokens = [entry | {"word": words[i]} for entry, i in zip(tokens, review.ids, strict=True)]
    said = zip(*(read(model.network, review) for model in models.values()), strict=True)
    sentences = [
        sentence | {"probabilities": dict(zip(models, of_models, strict=True))}
        for sentence, of_models in zip(sentences_of(review, words), said, strict=True)
    ]
    probabilities = {cell: round(float(scored[cell][row].as_py()), 4) for cell in models}
    chosen = {"row": row + 1, "tokens": len(tokens), "probabilities": probabilities, **granted}
    write_json(
        RESULTS / "gates.json",
        {"review": chosen, "tokens": tokens, "sentences": sentences, "gates": summaries},
    )
    print(f"{RESULTS / 'gates.parquet'}: {len(summaries)} gates over {len(tokens)} tokens")


if __name__ == "__main__":
    run(main)
