"""The reviews of a study: a fixed sample of each split, in a small file."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

COLUMNS = ["book_id", "label", "ids", "sentence_lengths", "sentence_labels"]
AT_ONCE = 1 << 14  # reviews in memory at a time


def choose_reviews(source: Path, output: Path, count: int, seed: int) -> int:
    """Write `count` reviews of a split, or all if there are fewer, in their order; return how many.

    Each is equally likely to be chosen. Only chosen reviews stay in memory.
    """
    with pq.ParquetFile(source) as file:
        there = file.metadata.num_rows
        rows = np.sort(np.random.default_rng(seed).permutation(there)[:count])
        parts, start = [file.schema_arrow.empty_table().select(COLUMNS)], 0
        for batch in file.iter_batches(AT_ONCE, columns=COLUMNS):
            first, end = np.searchsorted(rows, [start, start + len(batch)])
            table = pa.Table.from_batches([batch])
            parts.append(table.take(pa.array(rows[first:end] - start)).select(COLUMNS))
            start += len(batch)
    pq.write_table(pa.concat_tables(parts), output, compression="zstd")
    return len(rows)
