"""The study's reviews are chosen once, and evenly."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from spoilers.studies import sample
from tests.rnn_data import table


def test_chooses_rows_of_the_split_in_their_order(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(sample, "AT_ONCE", 16)
    names = pa.array([f"book{i}" for i in range(100)])
    whole = table(np.random.default_rng(1), 100).append_column("book_id", names)
    pq.write_table(whole, tmp_path / "split.parquet", row_group_size=30)
    assert sample.choose_reviews(tmp_path / "split.parquet", tmp_path / "some.parquet", 40, seed=3) == 40
    found = pq.read_table(tmp_path / "some.parquet")
    rows = [int(name[4:]) for name in found["book_id"].to_pylist()]
    assert rows == sorted(set(rows)) and len(rows) == 40
    assert found.equals(whole.take(rows).select(found.column_names))
    other = tmp_path / "other.parquet"
    sample.choose_reviews(tmp_path / "split.parquet", other, 40, seed=4)
    assert pq.read_table(other)["book_id"].to_pylist() != found["book_id"].to_pylist()
    assert sample.choose_reviews(tmp_path / "split.parquet", other, 1000, seed=4) == 100
    assert pq.read_table(other).equals(whole.select(found.column_names))
