"""Write predictions as Parquet, CSV or JSON lines, by the file's name, in full or not at all."""

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from isal import igzip

from spoilers.core.errors import UserError
from spoilers.core.files import replacing
from spoilers.prediction.reading import IDS

SCHEMA = pa.schema(
    {
        "row": pa.int64(),  # in the input, from 1
        **dict.fromkeys(IDS, pa.string()),
        "probability": pa.float32(),
        "spoiler": pa.bool_(),
        "sentences": pa.list_(pa.string()),
        "sentence_probabilities": pa.list_(pa.float32()),  # null where the model did not read a sentence
        "problem": pa.string(),  # why there is no probability
    }
)
DECIMALS = 7  # of a probability in a text file
SUFFIXES = (".parquet", ".csv", ".jsonl", ".csv.gz", ".jsonl.gz")
Write = Callable[[pa.Table], None]


@contextmanager
def writer(path: Path) -> Iterator[Write]:
    """Yield a function that writes tables of `SCHEMA`; the file appears if the block succeeds.

    Raises:
        UserError: the format is unknown, or the file cannot be written.
    """
    check_name(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{path}: could not be written: {error.strerror}") from error
    with replacing(path) as partial:
        if path.suffix == ".parquet":
            with pq.ParquetWriter(partial, SCHEMA, compression="zstd") as file:
                yield file.write_table
            return
        with igzip.open(partial, "wb") if path.suffix == ".gz" else open(partial, "wb") as file:
            yield (csv_writer if ".csv" in path.suffixes[-2:] else json_lines_writer)(file)


def check_name(path: Path) -> None:
    """Refuse an unknown extension.

    Raises:
        UserError: the extension is unknown.
    """
    if not path.name.endswith(SUFFIXES):
        raise UserError(f"{path}: the output's name must end in {', '.join(SUFFIXES)}")


def json_lines_writer(file: IO[bytes]) -> Write:
    def write(table: pa.Table) -> None:
        file.writelines(msgspec.json.encode(row) + b"\n" for row in rows_of(table))

    return write


def csv_writer(file: IO[bytes]) -> Write:
    """Return a function that writes rows of CSV, with lists as JSON in their fields.

    Ids are written as they were read, since people join on them: an id that begins with `=`, `+`, `-` or
    `@` is a formula to a spreadsheet, unless the file is imported as text.
    """
    rows = csv.writer(Utf8(file), lineterminator="\n")
    rows.writerow(SCHEMA.names)

    def write(table: pa.Table) -> None:
        for row in rows_of(table):
            lists = {
                name: msgspec.json.encode(row[name]).decode()
                for name in ("sentences", "sentence_probabilities")
            }
            rows.writerow((row | lists).values())

    return write


class Utf8:
    """A binary file that encodes the text from `csv` as UTF-8."""

    def __init__(self, file: IO[bytes]):
        self.file = file

    def write(self, text: str) -> None:
        self.file.write(text.encode())


def rows_of(table: pa.Table) -> list[dict]:
    """Return the rows, with probabilities rounded to `DECIMALS`."""
    whole = pc.round(table["probability"].cast(pa.float64()), DECIMALS)
    lists = table["sentence_probabilities"].combine_chunks()
    each = pa.ListArray.from_arrays(lists.offsets, pc.round(lists.flatten().cast(pa.float64()), DECIMALS))
    names = table.schema.names
    for name, values in (("probability", whole), ("sentence_probabilities", each)):
        table = table.set_column(names.index(name), name, values)
    return table.to_pylist()
