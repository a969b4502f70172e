"""From lines to reviews: validated, normalised, without duplicates, everything counted.

Two passes. The first streams the raw file, keeps what passes and remembers a hash of each text;
the second drops the duplicates, which can be told apart only when all labels have been seen.
"""

import json
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache, partial
from hashlib import blake2b
from itertools import chain, repeat
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from tqdm import tqdm

from stages.corpus.layouts import Rejected, Review, parse
from stages.corpus.lines import ahead, read_lines
from stages.corpus.normalise import clean_texts
from stages.errors import UserError
from stages.files import replacing
from stages.parallel import batches, in_order, processes
from stages.params import Clean

SCHEMA = pa.schema(
    {
        "review_id": pa.string(),
        "book_id": pa.string(),
        "user_id": pa.string(),
        "date": pa.date32(),
        "rating": pa.int8(),
        "label": pa.bool_(),
        "sentences": pa.list_(pa.string()),
        "sentence_labels": pa.list_(pa.bool_()),
    }
)
REPEATED = ["book_id", "user_id"]  # the columns that are worth a dictionary
ALWAYS = ("read", "kept", "dropped", "rejected", "banners")  # the counts that are there even when 0
EXCERPT = 200  # characters of a rejected line that are kept


def clean(source: Path, reviews: Path, rejected: Path, settings: Clean) -> dict[str, int]:
    """Clean the file `source` into `reviews` (Parquet) and `rejected` (JSON lines); return the counts.

    kept + dropped + rejected = read, and the order is that of the input.

    Raises:
        UserError: the source is damaged, or too many of its lines are malformed, or none is left.
    """
    counts: Counter[str] = Counter()
    hashes, labels = [], []
    with replacing(reviews) as final, replacing(rejected) as rejects:
        first_pass = final.with_name(f".{reviews.name}.first_pass.partial")
        try:
            with (
                open(rejects, "w", encoding="utf-8") as rejects_file,
                pa.ipc.new_file(first_pass, SCHEMA) as writer,
                tqdm(desc="clean", unit=" reviews", unit_scale=True, disable=None, leave=False) as progress,
            ):
                lines = batches(read_lines(source, settings.max_line_bytes), length)
                for batch in in_order(partial(clean_lines, settings=settings), lines, processes):
                    counts.update(batch.counts)
                    rejects_file.write(batch.rejected)
                    hashes.append(batch.hashes)
                    labels.append(batch.table["label"].to_numpy())
                    writer.write_table(batch.table)
                    progress.update(batch.counts["read"])
            check_rejected(source, settings, counts, rejects)
            keep = unique_texts(np.concatenate(hashes or [[]]), np.concatenate(labels or [[]]), counts)
            if not keep.any():
                raise UserError(
                    f"{source}: of {counts['read']} reviews none is left ({summary(counts)});"
                    " raise clean.fraction or use more data"
                )
            copy_rows(first_pass, final, keep, counts)
        finally:
            first_pass.unlink(missing_ok=True)
    return {name: counts[name] for name in [*ALWAYS, *sorted(counts.keys() - set(ALWAYS))]}


Line = tuple[int, bytes]  # number from 1, and content


def length(line: Line) -> int:
    return len(line[1])


class Cleaned(NamedTuple):
    """What became of some lines: the reviews in `table`, a hash of the text of each, the rest counted."""

    table: pa.Table
    hashes: np.ndarray
    rejected: str  # JSON lines
    counts: Counter


def clean_lines(lines: list[Line], settings: Clean) -> Cleaned:
    counts: Counter[str] = Counter()
    rejected: list[str] = []
    accepted = list(accept(lines, settings, counts, rejected))
    table = to_table(accepted, settings)
    drop("empty", counts, len(accepted) - len(table))
    return Cleaned(table, hash_texts(table["sentences"]), "".join(rejected), counts)


def accept(lines: list[Line], settings: Clean, counts: Counter, rejected: list[str]) -> Iterator[Review]:
    """Yield the reviews that are well formed and wanted; count the others by reason."""
    for number, line in lines:
        if not line or line.isspace():
            continue
        counts["read"] += 1
        try:
            if len(line) > settings.max_line_bytes:
                raise Rejected("line_too_long")
            review = parse(line)
        except Rejected as why:
            counts["rejected"] += 1
            counts[f"rejected_{why}"] += 1
            rejected.append(excerpt(number, str(why), line))
            continue
        for fault in review.faults:
            counts[f"tags_{fault}"] += 1
        counts["banners"] += review.banner
        if settings.fraction < 1 and hash_share(review.book_id) >= settings.fraction:
            drop("other_books", counts)
        elif review.banner and settings.banner == "drop":
            drop("banner", counts)
        elif review.banner and settings.banner == "relabel":
            yield review._replace(label=True, flags=None)  # which sentences spoil is not known
        else:
            yield review


def excerpt(number: int, reason: str, line: bytes) -> str:
    text = line[: 4 * EXCERPT].decode(errors="replace")[:EXCERPT]
    return json.dumps({"line": number, "reason": reason, "text": text}) + "\n"


def drop(reason: str, counts: Counter, number: int = 1) -> None:
    if number:
        counts["dropped"] += number
        counts[f"dropped_{reason}"] += number


@lru_cache(1 << 16)
def hash_share(key: str) -> float:
    """A number from [0, 1) that depends on the key alone, so that a book's place never changes."""
    return int.from_bytes(blake2b(key.encode(), digest_size=8, person=b"fraction").digest()) / 2**64


def to_table(batch: list[Review], settings: Clean) -> pa.Table:
    """Normalise a batch's sentences; leave out those that are empty, and the reviews without any left."""
    if not batch:
        return SCHEMA.empty_table()
    *columns, _, _, sentences, flags = zip(*batch, strict=True)
    lengths = np.fromiter(map(len, sentences), int, len(batch))
    known = np.array([flag is not None for flag in flags])
    flags = chain.from_iterable(flag or repeat(0, n) for flag, n in zip(flags, lengths, strict=True))
    flags = np.fromiter(flags, bool, lengths.sum())
    texts = pa.array(list(chain.from_iterable(sentences)), pa.string())
    texts = clean_texts(texts, settings.mask_spoiler_word)
    filled = pc.not_equal(texts, "").to_numpy(zero_copy_only=False)
    review_of_sentence = np.repeat(np.arange(len(batch)), lengths)
    lengths = np.bincount(review_of_sentence[filled], minlength=len(batch))
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32())
    # Where the one flagged sentence was empty, nothing says which of the others spoils.
    flagged = np.bincount(review_of_sentence[filled & flags], minlength=len(batch)) > 0
    known &= flagged == np.array(columns[5])
    table = pa.table(
        [
            *columns,
            pa.ListArray.from_arrays(offsets, texts.filter(pa.array(filled))),
            pa.ListArray.from_arrays(offsets, pa.array(flags[filled]), mask=pa.array(~known)),
        ],
        schema=SCHEMA,
    )
    return table if lengths.all() else table.filter(pa.array(lengths > 0))


LOWER = bytes(byte + 32 if 65 <= byte <= 90 else byte for byte in range(256))
NOT_ALPHANUMERIC = bytes(byte for byte in range(128) if not chr(byte).isalnum())


def hash_texts(sentences: pa.ChunkedArray) -> np.ndarray:
    """A 64-bit hash of each review's text: its letters and digits alone, in lower case.

    Of two million different texts, two share a hash with a probability of 1e-7.
    """
    texts = pc.binary_join(sentences.combine_chunks(), " ").cast(pa.binary()).to_pylist()
    keys = (text.translate(LOWER, NOT_ALPHANUMERIC) or text for text in texts)
    hashes = (int.from_bytes(blake2b(key, digest_size=8).digest()) for key in keys)
    return np.fromiter(hashes, np.uint64, len(texts))


def unique_texts(hashes: np.ndarray, labels: np.ndarray, counts: Counter) -> np.ndarray:
    """Which reviews to keep: the first of each text, and none where equal texts have unequal labels."""
    _, first, which, times = np.unique(hashes, return_index=True, return_inverse=True, return_counts=True)
    spoilers = np.bincount(which, weights=labels, minlength=len(times))
    conflict = ((spoilers > 0) & (spoilers < times))[which]
    is_first = np.zeros(len(hashes), bool)
    is_first[first] = True
    drop("conflicting_labels", counts, int(conflict.sum()))
    drop("duplicate", counts, int((~conflict & ~is_first).sum()))
    return is_first & ~conflict


def copy_rows(source: Path, target: Path, keep: np.ndarray, counts: Counter) -> None:
    """Copy the rows to keep, and count what is in them."""
    start = 0
    with (
        pa.OSFile(str(source)) as file,
        pq.ParquetWriter(target, SCHEMA, compression="zstd", use_dictionary=REPEATED) as writer,
    ):
        reader = pa.ipc.open_file(file)
        for batch in ahead(map(reader.get_batch, range(reader.num_record_batches))):
            kept = batch.filter(pa.array(keep[start : start + len(batch)]))
            start += len(batch)
            counts["kept"] += len(kept)
            counts["kept_spoilers"] += pc.sum(kept["label"]).as_py() or 0
            counts["kept_sentences"] += len(kept["sentences"].flatten())
            counts["kept_spoiler_sentences"] += pc.sum(kept["sentence_labels"].flatten()).as_py() or 0
            if len(kept):
                writer.write_batch(kept)


def summary(counts: Counter) -> str:
    """The counts of what is dropped and rejected, largest first."""
    reasons = [name for name in counts if name.startswith(("dropped_", "rejected_"))]
    return ", ".join(f"{name} {counts[name]}" for name in sorted(reasons, key=lambda name: -counts[name]))


def check_rejected(source: Path, settings: Clean, counts: Counter, rejects: Path) -> None:
    if counts["read"] == 0:
        raise UserError(f"{source}: holds no reviews; check download.source")
    if counts["rejected"] > settings.max_rejected * counts["read"]:
        with open(rejects, encoding="utf-8") as file:
            first = json.loads(file.readline())
        raise UserError(
            f"{source}: {counts['rejected']} of {counts['read']} lines are malformed, more than"
            f" clean.max_rejected = {settings.max_rejected:g} allows; the first is line {first['line']}"
            f" ({first['reason']}: {first['text'][:60]!r});"
            " check that this is a Goodreads file, or raise the limit"
        )
