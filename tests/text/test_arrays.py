"""Reviews that several processes map into memory equal those that a single one would load."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from spoilers.core.errors import UserError
from spoilers.text.arrays import map_arrays, write_arrays
from spoilers.text.reviews import ReviewFile, Reviews, load
from tests.rnn_data import table


@pytest.fixture
def split(tmp_path: Path) -> Path:
    path = tmp_path / "train.parquet"
    pq.write_table(table(np.random.default_rng(3), 50, longest=60), path)
    return path


def assert_equal(found: Reviews, expected: Reviews) -> None:
    for field in fields(Reviews):
        one, other = getattr(found, field.name), getattr(expected, field.name)
        np.testing.assert_array_equal(one, other, err_msg=field.name)
        assert one.dtype == other.dtype, field.name


@pytest.mark.parametrize("size", [1, 7, 50, 1000])
def test_blocks_that_are_written_one_by_one_are_mapped_as_a_whole(split: Path, size: int) -> None:
    folder = split.with_name("arrays")
    write_arrays(ReviewFile(split, max_tokens=12).blocks(size), folder)
    assert_equal(map_arrays(folder), load(split, 12))


def test_a_split_without_reviews_is_mapped_too(tmp_path: Path) -> None:
    path = tmp_path / "test.parquet"
    pq.write_table(table(np.random.default_rng(0), 5).slice(0, 0), path)
    write_arrays(ReviewFile(path, max_tokens=12).blocks(10), tmp_path / "arrays")
    mapped = map_arrays(tmp_path / "arrays")
    assert len(mapped) == 0
    assert_equal(mapped, load(path, 12))


def test_what_one_process_writes_to_an_array_no_other_sees(split: Path) -> None:
    folder = split.with_name("arrays")
    write_arrays(ReviewFile(split, max_tokens=12).blocks(10), folder)
    mine, anothers = map_arrays(folder), map_arrays(folder)
    mine.ids[:] = -1
    assert_equal(anothers, load(split, 12))


def test_a_missing_split_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="dvc repro split"):
        write_arrays(ReviewFile(tmp_path / "train.parquet", 12).blocks(10), tmp_path / "arrays")
    with pytest.raises(UserError, match="dvc repro split"):
        load(tmp_path / "train.parquet", 12)
