"""Records what the gates of the trained models do over one test review: data/models -> data/gates.parquet."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from spoilers.core.errors import run
from spoilers.core.files import read_json, replacing, write_json
from spoilers.models.folder import load as load_model
from spoilers.studies import gates
from spoilers.text.reviews import load
from spoilers.text.vocabulary import Vocabulary

TEST, VOCABULARY = Path("data/splits/test.parquet"), Path("data/splits/vocabulary.txt")
CELLS = ("lstm", "gru")


def main() -> None:
    models = {cell: load_model(Path("data/models") / cell, "cpu", VOCABULARY) for cell in CELLS}
    test = load(TEST, models["lstm"].max_tokens)
    scored = pq.read_table("data/predictions/test.parquet", columns=list(CELLS))
    called = [scored[cell].to_numpy() >= models[cell].threshold for cell in CELLS]
    unflagged = test.review_of_sentence[test.sentence_labels == 0]
    quiet = np.bincount(unflagged, minlength=len(test)) > 0
    row, granted = gates.choose(test.labels, test.lengths, np.all(called, axis=0), quiet)
    review = test.choose(np.array([row]))

    tables, summaries = [], []
    for cell, model in models.items():
        for gate, values in gates.activations(cell, model.network, review.ids)[0].items():
            tables.append(long_table(cell, gate, values))
            summaries.append(gates.summary(cell, gate, values))
    with replacing("data/gates.parquet") as path:
        pq.write_table(pa.concat_tables(tables), path, compression="zstd")

    flagged = np.repeat(review.sentence_labels == 1, review.sentence_lengths)
    tokens = [{"token": i + 1, "flagged": int(flag)} for i, flag in enumerate(flagged)]
    if read_json("data/raw/source.json")["source"] == "sample":  # others' words are not ours to print
        words = Vocabulary.load(VOCABULARY).words
        tokens = [entry | {"word": words[i]} for entry, i in zip(tokens, review.ids, strict=True)]
    wishes = {"called_right": int(granted > 0), "other_sentences_too": int(granted > 1)}
    chosen = {"row": row + 1, "tokens": len(tokens), **wishes}
    write_json("reports/metrics/gates.json", {"review": [chosen], "tokens": tokens, "gates": summaries})
    print(f"data/gates.parquet: {len(summaries)} gates over {len(tokens)} tokens")


def long_table(cell: str, gate: str, values: np.ndarray) -> pa.Table:
    """One row a token and unit, from values (tokens, units)."""
    token, unit = np.indices(values.shape)
    return pa.table(
        {
            "model": pa.array([cell] * values.size).dictionary_encode(),
            "gate": pa.array([gate] * values.size).dictionary_encode(),
            "token": token.ravel().astype(np.int32) + 1,
            "unit": unit.ravel().astype(np.int32) + 1,
            "value": values.ravel().astype(np.float32),
        }
    )


if __name__ == "__main__":
    run(main)
