"""Read files of reviews to score, row by row; a row that cannot be scored carries the reason.

Formats: JSON lines in a Goodreads layout or with a text column, CSV, Parquet; the first two may be
gzipped. Only the text is required.
"""

import csv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from spoilers.core.errors import UserError
from spoilers.corpus.conversions import identifier, truth
from spoilers.corpus.layouts import Rejected, decode, parse_text, remove_banner
from spoilers.corpus.lines import read_lines, refuse_array
from spoilers.prediction.batches import BATCH, BATCH_SIZE

LONGEST = 2**24  # bytes of a line, or of a field of CSV
TEXT_COLUMNS = ("review_text", "text")  # if no column is named, the first of these that exists
LABEL_COLUMNS = ("label", "has_spoiler")  # likewise
IDS = ("review_id", "book_id", "user_id")

Record = dict | Rejected  # a row as read from the file, or the reason why there is none


class Row(NamedTuple):
    """One row of a file."""

    ids: tuple[str | None, ...] = (None,) * len(IDS)
    text: str = ""  # with only white space between its sentences
    sentences: Sequence[str] = ()
    label: bool | None = None
    problem: str | None = None  # why it cannot be scored


def read_rows(path: Path, column: str | None = None) -> Iterator[Row]:
    """Yield the rows in order; `column` names the text column.

    Raises:
        UserError: the file is missing, damaged or of unknown format, or has no text column.
    """
    for record in reader_of(path)(path, column):
        try:
            if isinstance(record, Rejected):
                raise record
            yield row_of(record, column)
        except Rejected as why:
            yield Row(ids_of(record) if isinstance(record, dict) else Row().ids, problem=str(why))


def reader_of(path: Path) -> Callable[[Path, str | None], Iterator[Record]]:
    """Return the reader for the file's extension."""
    suffix = Path(path.name.removesuffix(".gz")).suffix
    if suffix not in READERS:
        raise UserError(
            f"{path}: its name must end in {', '.join(READERS)}; those of text may be gzipped (.gz)"
        )
    return READERS[suffix]


def row_of(record: dict, column: str | None) -> Row:
    """Convert a record in a Goodreads layout, or with a text column, to a row.

    Raises:
        Rejected: it has no usable text.
    """
    label = label_of(record)
    if column is None and "review_sentences" in record:
        try:
            pairs = msgspec.convert(record["review_sentences"], list[tuple[int, str]])
        except msgspec.ValidationError:
            raise Rejected("wrong_review_sentences") from None
        sentences = [text for _, text in pairs]
        remove_banner(sentences)
        marked = any(flag for flag, _ in pairs)
        return Row(ids_of(record), " ".join(sentences), sentences, marked if label is None else label)
    column = column or next((name for name in TEXT_COLUMNS if name in record), TEXT_COLUMNS[-1])
    if column not in record:
        raise Rejected(f"missing_{column}")
    text = "" if record[column] is None else record[column]
    if not isinstance(text, str):
        raise Rejected(f"wrong_{column}")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Rejected("not_utf8") from None
    parts = parse_text(text)
    if label is None and column == "review_text":
        label = any(parts.flags)
    return Row(ids_of(record), parts.plain, parts.sentences, label)


def ids_of(record: dict) -> tuple[str | None, ...]:
    values = (identifier(record.get(name)) for name in IDS)
    return tuple(None if value is None else str(value).encode(errors="replace").decode() for value in values)


def label_of(record: dict) -> bool | None:
    value = truth(next((record[name] for name in LABEL_COLUMNS if name in record), None))
    return value if isinstance(value, bool) else None


def check_columns(path: Path, columns: list[str], column: str | None) -> None:
    wanted = [column] if column else TEXT_COLUMNS
    if not any(name in columns for name in wanted):
        raise UserError(
            f"{path}: has no column {' or '.join(map(repr, wanted))}; its columns are {', '.join(columns)};"
            " name the one that holds the text by --text-column"
        )


# The formats.


def read_json_lines(path: Path, column: str | None) -> Iterator[Record]:
    """Yield a record for each line that is not blank."""
    first = True
    for _, line in read_lines(path, LONGEST):
        if not line or line.isspace():
            continue
        if first:
            refuse_array(path, line)
        first = False
        try:
            if len(line) > LONGEST:
                raise Rejected("line_too_long")
            yield decode(line)
        except Rejected as why:
            yield why


def read_csv(path: Path, column: str | None) -> Iterator[Record]:
    """Yield records from a file with a header line; a field may span several lines."""
    csv.field_size_limit(LONGEST)
    rows = csv.reader(csv_lines(path), strict=True)
    try:
        columns = next(rows, [])
    except csv.Error as error:
        raise UserError(f"{path}: its first line is not one of column names ({error})") from error
    check_columns(path, columns, column)
    while True:
        try:
            values = next(rows)
        except StopIteration:
            return
        except csv.Error:
            yield Rejected("invalid_csv")
            continue
        if len(values) == len(columns):
            yield dict(zip(columns, values, strict=True))
        elif values:
            yield Rejected("wrong_number_of_fields")


def csv_lines(path: Path) -> Iterator[str]:
    for _, line in read_lines(path, LONGEST):
        if len(line) > LONGEST:
            line = b'"" x" y'  # invalid CSV, both inside and outside a quoted field
        yield line.decode(errors="surrogateescape") + "\n"


def read_parquet(path: Path, column: str | None) -> Iterator[Record]:
    """Yield the rows, reading up to about `BATCH_SIZE` bytes at a time."""
    try:
        with pq.ParquetFile(path) as file:
            schema, groups = file.schema_arrow, file.metadata
        check_columns(path, schema.names, column)
        wanted = [column] if column else list(TEXT_COLUMNS)
        names = [name for name in [*wanted, *IDS, *LABEL_COLUMNS] if name in schema.names]
        for group in range(groups.num_row_groups):
            about = groups.row_group(group)
            # In a small group, a repeated value is held in memory once, as in the file.
            small = about.total_byte_size <= BATCH_SIZE
            texts = [name for name in names if small and pa.types.is_string(schema.field(name).type)]
            rows = BATCH if small else max(BATCH_SIZE * about.num_rows // about.total_byte_size, 1)
            with pq.ParquetFile(path, metadata=groups, read_dictionary=texts) as file:
                for batch in file.iter_batches(min(rows, BATCH), [group], names):
                    yield from records_of(batch)
    except (OSError, KeyError, ValueError, OverflowError, pa.ArrowException) as error:
        raise UserError(f"{path}: could not be read ({error})") from error


def records_of(batch: pa.RecordBatch) -> Iterator[Record]:
    """Yield the rows of a batch as dictionaries."""
    columns = [values_of(column) for column in batch.columns]
    for values in zip(*columns, strict=True):
        yield dict(zip(batch.schema.names, values, strict=True))


def values_of(column: pa.Array) -> list:
    """Return an array as a list; text is decoded from bytes, since it may not be UTF-8.

    Raises:
        pa.ArrowInvalid: a value is not in the array's dictionary: the file is damaged.
    """
    if pa.types.is_dictionary(column.type):
        values = [*values_of(column.dictionary), None]
        ends = pc.min_max(column.indices).as_py()
        if column.null_count < len(column) and not 0 <= ends["min"] <= ends["max"] < len(column.dictionary):
            raise pa.ArrowInvalid("a value is not in the dictionary of its column")
        return [values[i] for i in column.indices.fill_null(len(values) - 1).to_pylist()]
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        raw = column.cast(pa.large_binary()).to_pylist()
        return [None if value is None else value.decode(errors="surrogateescape") for value in raw]
    return column.to_pylist()


READERS = {
    ".json": read_json_lines,
    ".jsonl": read_json_lines,
    ".csv": read_csv,
    ".parquet": read_parquet,
}
