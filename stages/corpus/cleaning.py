"""From lines to reviews: validated, normalised, without duplicates, everything counted.

Two passes. The first streams the raw file, keeps what passes and remembers a hash of each text;
the second drops the duplicates, which can be told apart only when all labels have been seen.
"""

import json
from collections import Counter
from collections.abc import Iterator
from hashlib import blake2b
from itertools import chain, islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stages.corpus.layouts import Rejected, Review, parse
from stages.corpus.lines import read_lines
from stages.corpus.normalise import mask_spoiler_word, normalise
from stages.errors import UserError
from stages.files import replacing
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
BATCH = 16_384  # reviews in memory at a time, and in a row group
EXCERPT = 200  # characters of a rejected line that are kept


def clean(source: Path, reviews: Path, rejected: Path, settings: Clean) -> dict[str, int]:
    """Clean the file `source` into `reviews` (Parquet) and `rejected` (JSON lines); return the counts.

    kept + dropped + rejected = read, and the order is that of the input.

    Raises:
        UserError: the source is damaged, or too many of its lines are malformed, or none is left.
    """
    counts: Counter[str] = Counter(dict.fromkeys(("read", "kept", "dropped", "rejected"), 0))
    hashes, labels = [], []
    with replacing(reviews) as final, replacing(rejected) as rejects:
        first_pass = final.with_suffix(".first_pass")
        try:
            with (
                open(rejects, "w", encoding="utf-8") as rejects_file,
                pq.ParquetWriter(first_pass, SCHEMA, compression="lz4") as writer,
            ):
                accepted = accept(source, settings, counts, rejects_file)
                while batch := list(islice(accepted, BATCH)):
                    table = to_table(batch, settings, counts)
                    hashes.append(hash_texts(table["sentences"]))
                    labels.append(table["label"].to_numpy())
                    writer.write_table(table)
            check_rejected(source, settings, counts, rejects)
            keep = unique_texts(np.concatenate(hashes or [[]]), np.concatenate(labels or [[]]), counts)
            copy_rows(first_pass, final, keep, counts)
        finally:
            first_pass.unlink(missing_ok=True)
    return dict(counts)


def accept(source: Path, settings: Clean, counts: Counter, rejects_file) -> Iterator[Review]:
    """Yield the reviews that are well formed and wanted; count the others by reason."""
    wanted_books: dict[str, bool] = {}
    for number, line in read_lines(source, settings.max_line_bytes):
        if line is not None and not line.strip():
            continue
        counts["read"] += 1
        try:
            if line is None:
                raise Rejected("line_too_long")
            review = parse(line)
        except Rejected as why:
            reject(number, str(why), line, counts, rejects_file)
            continue
        if settings.fraction < 1:
            if review.book_id not in wanted_books:
                wanted_books[review.book_id] = hash_share(review.book_id) < settings.fraction
            if not wanted_books[review.book_id]:
                drop("other_books", counts)
                continue
        if review.banner:
            counts["banners"] += 1
            if settings.banner == "drop":
                drop("banner", counts)
                continue
            if settings.banner == "relabel":
                review = review._replace(label=True, flags=None)
        yield review


def reject(number: int, reason: str, line: bytes | None, counts: Counter, rejects_file) -> None:
    counts["rejected"] += 1
    counts[f"rejected_{reason}"] += 1
    excerpt = (line or b"")[: 4 * EXCERPT].decode(errors="replace")[:EXCERPT]
    rejects_file.write(json.dumps({"line": number, "reason": reason, "text": excerpt}) + "\n")


def drop(reason: str, counts: Counter, number: int = 1) -> None:
    counts["dropped"] += number
    counts[f"dropped_{reason}"] += number


def hash_share(key: str) -> float:
    """A number from [0, 1) that depends on the key alone, so that a book's place never changes."""
    return int.from_bytes(blake2b(key.encode(), digest_size=8, person=b"fraction").digest()) / 2**64


def to_table(batch: list[Review], settings: Clean, counts: Counter) -> pa.Table:
    """Normalise a batch's sentences; drop those that are empty, and the reviews without any left."""
    lengths = np.array([len(review.sentences) for review in batch])
    flags = chain.from_iterable(review.flags or [0] * len(review.sentences) for review in batch)
    flags = np.fromiter(flags, bool, lengths.sum())
    texts = pa.array(list(chain.from_iterable(review.sentences for review in batch)), pa.string())
    texts = normalise(texts)
    if settings.mask_spoiler_word:
        texts = mask_spoiler_word(texts)

    filled = pc.not_equal(texts, "").to_numpy(zero_copy_only=False)
    review_of_sentence = np.repeat(np.arange(len(batch)), lengths)
    lengths = np.bincount(review_of_sentence[filled], minlength=len(batch))
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32())
    unflagged = pa.array([review.flags is None for review in batch])
    columns = list(zip(*batch, strict=True))[:6]
    table = pa.table(
        [
            *columns,
            pa.ListArray.from_arrays(offsets, texts.filter(pa.array(filled))),
            pa.ListArray.from_arrays(offsets, pa.array(flags[filled]), mask=unflagged),
        ],
        schema=SCHEMA,
    )
    empty = int((lengths == 0).sum())
    if empty:
        drop("empty", counts, empty)
        table = table.filter(pa.array(lengths > 0))
    return table


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
    start = 0
    with pq.ParquetFile(source) as file, pq.ParquetWriter(target, SCHEMA, compression="zstd") as writer:
        for batch in file.iter_batches(BATCH):
            kept = batch.filter(pa.array(keep[start : start + len(batch)]))
            start += len(batch)
            counts["kept"] += len(kept)
            counts["kept_spoilers"] += pc.sum(kept["label"]).as_py() or 0
            counts["kept_sentences"] += len(kept["sentences"].flatten())
            counts["kept_spoiler_sentences"] += pc.sum(kept["sentence_labels"].flatten()).as_py() or 0
            writer.write_batch(kept)


def check_rejected(source: Path, settings: Clean, counts: Counter, rejects: Path) -> None:
    if counts["read"] == 0:
        raise UserError(f"{source}: holds no reviews; check download.source")
    if counts["rejected"] > settings.max_rejected * counts["read"]:
        with open(rejects, encoding="utf-8") as file:
            first = json.loads(file.readline())
        raise UserError(
            f"{source}: {counts['rejected']} of {counts['read']} lines are malformed, more than"
            f" clean.max_rejected = {settings.max_rejected:g} allows; the first is line {first['line']}"
            f" ({first['reason']}: {first['text'][:60]!r}); check that this is a Goodreads file, or raise the limit"
        )
