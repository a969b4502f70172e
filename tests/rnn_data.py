"""Make small reviews for the tests of the networks, in memory and as a project's folder."""

from copy import deepcopy
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from spoilers.core.params import Loader
from spoilers.text.reviews import Reviews, from_table
from spoilers.text.vocabulary import SPECIAL
from tests import ROOT

WORDS = 40
SETTINGS = yaml.load((ROOT / "params.yaml").read_text(), Loader)


def table(draw: np.random.Generator, reviews: int, longest: int = 30) -> pa.Table:
    """Make reviews of random words; nine in ten spoilers end with word 2, in a flagged sentence."""
    rows: dict[str, list] = {"label": [], "ids": [], "sentence_lengths": [], "sentence_labels": []}
    for i in range(reviews):
        spoils = bool(draw.random() < 0.4) if i > 1 else i == 0
        lengths = draw.integers(1, 8, 1 + draw.integers(max(longest // 8, 1)))
        ids = draw.integers(3, WORDS, lengths.sum())
        flags = [False] * len(lengths)
        if spoils and draw.random() < 0.9:
            ids[-1], flags[-1] = 2, True
        rows["label"].append(spoils)
        rows["ids"].append(ids.tolist())
        rows["sentence_lengths"].append(lengths.tolist())
        rows["sentence_labels"].append(flags if draw.random() < 0.8 else None)
    types = [pa.bool_(), pa.list_(pa.int32()), pa.list_(pa.uint16()), pa.list_(pa.bool_())]
    return pa.table({k: pa.array(v, t) for (k, v), t in zip(rows.items(), types, strict=True)})


def reviews(seed: int, count: int, longest: int = 30, max_tokens: int = 1000) -> Reviews:
    return from_table(table(np.random.default_rng(seed), count, longest), max_tokens)


def write_project(folder: Path, changes: dict | None = None, **tables: pa.Table) -> Path:
    """Write params.yaml and data/splits into a folder; `changes` are settings like `train.epochs`."""
    values = deepcopy(SETTINGS)
    small = {
        "model.embedding_size": 8,
        "model.hidden_size": 8,
        "train.epochs": 4,
        "train.seeds": 1,
        "train.patience": 4,
        "train.batch_size": 8,
        "train.validations_per_epoch": 2,
        "machine.device": "cpu",
    }
    for key, value in {**small, **(changes or {})}.items():
        *path, last = key.split(".")
        section = values
        for part in path:
            section = section[part]
        section[last] = value
    splits = folder / "data/splits"
    splits.mkdir(parents=True, exist_ok=True)
    (folder / "params.yaml").write_text(yaml.safe_dump(values))
    draw = np.random.default_rng(5)
    for part, count in {"train": 120, "validation": 60, "test": 60}.items():
        pq.write_table(tables.get(part, table(draw, count)), splits / f"{part}.parquet")
    words = SPECIAL + [f"word{i}" for i in range(2, WORDS)]
    (splits / "vocabulary.txt").write_text("".join(word + "\n" for word in words))
    return folder
