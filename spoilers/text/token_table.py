"""Turn cleaned reviews into lists of tokens."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from spoilers.core.files import replacing
from spoilers.core.parallel import ordered_map
from spoilers.text.tokenizer import tokenize

KEPT = ["review_id", "book_id", "user_id", "date", "rating", "label"]
LONGEST_SENTENCE = 2**16 - 1  # tokens; the length is stored in 16 bits, and further tokens are dropped
STORAGE = {
    "compression": "zstd",
    "use_dictionary": ["book_id", "user_id", "tokens.list.element"],
    "dictionary_pagesize_limit": 2
    ** 26,  # one dictionary a row group, however large: the splits use its indices
    "write_statistics": False,  # nothing reads them, and they take half of the writing time
}
TOKENS = pa.list_(pa.dictionary(pa.int32(), pa.string()))


def tokenize_file(source: Path, target: Path, lowercase: bool, workers: int) -> tuple[int, int]:
    """Tokenize a file of cleaned reviews; return the number of reviews and of tokens."""
    reviews = tokens = 0
    groups = RowGroups(source)
    kept = [groups.schema.field(name) for name in KEPT]
    lengths, labels = pa.list_(pa.uint16()), pa.list_(pa.bool_())
    schema = pa.schema(
        [*kept, ("tokens", TOKENS), ("sentence_lengths", lengths), ("sentence_labels", labels)]
    )

    def convert(group: int) -> pa.Table:
        return tokenize_batch(groups.read(group), lowercase).cast(schema)

    with (
        replacing(target) as partial,
        pq.ParquetWriter(partial, schema, **STORAGE) as writer,
        tqdm(
            total=groups.metadata.num_rows, desc="tokenize", unit=" reviews", unit_scale=True, disable=None,
            leave=False,
        ) as progress,
    ):  # fmt: skip
        for table in ordered_map(convert, range(len(groups)), workers):
            writer.write_table(table)
            progress.update(len(table))
            reviews += len(table)
            tokens += len(table["tokens"].chunk(0).flatten())
    return reviews, tokens


class RowGroups:
    """A Parquet file that is read one row group at a time, which bounds memory.

    Each row group has its own dictionary of tokens.
    """

    def __init__(self, path: Path | str):
        self.path, self.metadata = path, pq.read_metadata(path)

    def __len__(self) -> int:
        return self.metadata.num_row_groups if self.metadata.num_rows else 0  # an empty file may have one

    @property
    def schema(self) -> pa.Schema:
        """Return the file's Arrow schema."""
        return self.metadata.schema.to_arrow_schema()

    def rows(self, group: int) -> int:
        """Return the number of rows in a row group."""
        return self.metadata.row_group(group).num_rows

    def read(self, group: int, columns: list[str] | None = None) -> pa.RecordBatch:
        """Read a row group as one batch, with a reader of its own, so that threads can read in parallel."""
        with pq.ParquetFile(self.path, metadata=self.metadata) as file:
            (batch,) = file.iter_batches(self.rows(group), [group], columns, use_threads=False)
        return batch

    def batches(self, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield every row group as a batch."""
        return (self.read(group, columns) for group in range(len(self)))

    def column(self, name: str) -> pa.ChunkedArray:
        """Read one column of all rows into memory; its values must therefore be small."""
        return pq.read_table(self.path, columns=[name])[name]


def tokenize_batch(batch: pa.RecordBatch, lowercase: bool) -> pa.Table:
    """Return the batch with tokens instead of sentences."""
    tokens, sentence_lengths = tokenize_sentences(batch["sentences"], lowercase)
    return pa.table(
        {
            **{name: batch[name] for name in KEPT},
            "tokens": tokens,
            "sentence_lengths": sentence_lengths,
            "sentence_labels": batch["sentence_labels"],
        }
    )


def tokenize_sentences(sentences: pa.ListArray, lowercase: bool) -> tuple[pa.ListArray, pa.ListArray]:
    """Tokenize reviews given as lists of sentences.

    Returns: for each review, its dictionary-encoded tokens and its sentences' uint16 token counts.
    """
    in_sentences = tokenize(sentences.flatten(), lowercase)
    lengths = np.diff(in_sentences.offsets.to_numpy())
    tokens = in_sentences.flatten()
    if len(lengths) and lengths.max() > LONGEST_SENTENCE:
        position = np.arange(len(tokens)) - np.repeat(in_sentences.offsets.to_numpy()[:-1], lengths)
        tokens = tokens.filter(pa.array(position < LONGEST_SENTENCE))
        lengths = np.minimum(lengths, LONGEST_SENTENCE)
    ends = np.concatenate([[0], np.cumsum(lengths)])
    sentence_offsets = sentences.offsets.to_numpy() - sentences.offsets[0].as_py()
    offsets = pa.array(ends[sentence_offsets], pa.int32())
    sentence_lengths = pa.array(lengths.astype(np.uint16))
    return (
        pa.ListArray.from_arrays(offsets, tokens),
        pa.ListArray.from_arrays(pa.array(sentence_offsets, pa.int32()), sentence_lengths),
    )
