"""Turn lines into reviews: validate and normalise them, drop duplicates, and count every change.

This takes two passes. The first streams the raw file in chunks, keeps the valid reviews and remembers a
hash of each text. The second drops the duplicates: which of them to keep is clear
only once all labels are known.
"""

import json
from collections import Counter
from collections.abc import Iterator
from functools import partial
from hashlib import blake2b
from itertools import chain, repeat
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from tqdm import tqdm

from spoilers.core.errors import UserError
from spoilers.core.files import replacing, scratch_folder
from spoilers.core.hashing import hash_share
from spoilers.core.parallel import ordered_map, process_pool
from spoilers.core.params import Clean
from spoilers.corpus.layouts import Rejected, Review, parse
from spoilers.corpus.lines import Chunk, Line, read_chunks, refuse_array, split_lines
from spoilers.corpus.normalise import clean_reviews

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
STORAGE = {"compression": "zstd", "use_dictionary": ["book_id", "user_id"], "write_statistics": False}
ALWAYS = ("read", "kept", "dropped", "rejected", "banners")  # the counts that are reported even when 0
ROW_GROUP = 12_000  # minimum reviews in a row group; its dictionary of words pays off with more reviews
EXCERPT = 200  # characters of a rejected line that are kept
LISTED = 10_000  # the number of rejected lines whose excerpt is kept
HOPELESS = 10_000  # stop reading once this many lines were read and all were rejected


def clean(source: Path, reviews: Path, rejected: Path, settings: Clean, workers: int) -> dict[str, int]:
    """Clean the file `source` into `reviews` (Parquet) and `rejected` (JSON lines); return the counts.

    The reviews keep the order of the input. In the counts, kept + dropped + rejected = read.

    Raises:
        UserError: the source is damaged, too many of its lines are malformed, or no review is left.
    """
    counts: Counter[str] = Counter()
    parts: list[Part] = []
    with (
        replacing(reviews) as final,
        replacing(rejected) as rejects,
        scratch_folder(reviews.with_name("first_pass")) as folder,
    ):
        with (
            open(rejects, "w", encoding="utf-8") as rejects_file,
            tqdm(desc="clean", unit=" reviews", unit_scale=True, disable=None, leave=False) as progress,
        ):
            chunks = write_chunks(source, settings.max_line_bytes, folder)
            work = partial(clean_chunk, settings=settings)
            for cleaned in ordered_map(work, chunks, workers, process_pool):
                rejects_file.writelines(cleaned.rejected[: max(LISTED - counts["rejected"], 0)])
                counts.update(cleaned.counts)
                parts.append(cleaned.part)
                progress.update(cleaned.counts["read"])
                if HOPELESS <= counts["read"] == counts["rejected"] and settings.max_rejected < 1:
                    break
        if counts["rejected"] > LISTED:
            counts["not_listed"] = counts["rejected"] - LISTED
        check_rejected(source, settings, counts, rejects)
        keep = unique_texts(parts, counts)
        if not any(map(np.any, keep)):
            raise UserError(
                f"{source}: of {counts['read']} reviews none is left ({summary(counts)});"
                " raise clean.fraction or use more data"
            )
        copy_rows(parts, keep, final, counts, workers)
    return {name: counts[name] for name in [*ALWAYS, *sorted(counts.keys() - set(ALWAYS))]}


class Part(NamedTuple):
    """Data for the second pass about the reviews of one chunk."""

    path: Path  # the file that holds them
    hashes: np.ndarray  # uint64 (reviews): hashes of the texts
    labels: np.ndarray  # bool (reviews)


class Cleaned(NamedTuple):
    """The result of cleaning one chunk of lines."""

    part: Part
    rejected: list[str]  # JSON lines, at most `LISTED`
    counts: Counter


def write_chunks(source: Path, max_bytes: int, folder: Path) -> Iterator[tuple[int, Path]]:
    """Write each chunk of lines to a file; yield its first line's number and the path.

    A worker receives a path faster than the bytes through a pipe.

    Raises:
        UserError: the source is damaged or a JSON array.
    """
    for chunk in read_chunks(source, max_bytes):
        if chunk.number == 1:
            refuse_array(source, chunk.lines)
        path = folder / f"{chunk.number}.jsonl"
        path.write_bytes(chunk.lines)
        yield chunk.number, path


def clean_chunk(number_and_path: tuple[int, Path], settings: Clean) -> Cleaned:
    """Clean a chunk's file, and replace it with an Arrow file of its reviews."""
    number, path = number_and_path
    chunk = Chunk(number, path.read_bytes())
    path.unlink()
    counts: Counter[str] = Counter()
    rejected: list[str] = []
    lines = split_lines(chunk, settings.max_line_bytes)
    accepted = list(accept(lines, settings, counts, rejected))
    reviews = to_batch(accepted, settings)
    drop("empty", counts, len(accepted) - len(reviews))
    path = path.with_suffix(".arrow")
    with pa.ipc.new_file(path, SCHEMA) as writer:
        writer.write_batch(reviews)
    labels = reviews["label"].to_numpy(zero_copy_only=False)
    return Cleaned(Part(path, hash_texts(reviews["sentences"]), labels), rejected, counts)


def accept(lines: Iterator[Line], settings: Clean, counts: Counter, rejected: list[str]) -> Iterator[Review]:
    """Yield the reviews that are valid and wanted; count the others by reason.

    Add up to `LISTED` malformed lines to `rejected`, as JSON.
    """
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
            if len(rejected) < LISTED:
                rejected.append(excerpt(number, why, line))
            continue
        for key in review.converted:
            counts[f"converted_{key}"] += 1
        for fault in review.faults:
            counts[f"tags_{fault}"] += 1
        counts["banners"] += review.banner
        if settings.fraction < 1 and hash_share(review.book_id, b"", b"fraction") >= settings.fraction:
            drop("other_books", counts)
        elif review.banner and settings.banner == "drop":
            drop("banner", counts)
        elif review.banner and settings.banner == "relabel":
            yield review._replace(label=True, flags=None)  # it is unknown which sentences spoil
        else:
            yield review


def excerpt(number: int, why: Rejected, line: bytes) -> str:
    """Return a rejected line's number, reason, wrong value and start, as a line of JSON."""
    value = {} if why.value is None else {"value": repr(why.value)[:EXCERPT]}
    text = line[: 4 * EXCERPT].decode(errors="replace")[:EXCERPT]
    return json.dumps({"line": number, "reason": str(why), **value, "text": text}) + "\n"


def drop(reason: str, counts: Counter, number: int = 1) -> None:
    """Count `number` reviews as dropped for a reason."""
    if number:
        counts["dropped"] += number
        counts[f"dropped_{reason}"] += number


def to_batch(reviews: list[Review], settings: Clean) -> pa.RecordBatch:
    """Return the reviews as a batch in `SCHEMA`, with normalised sentences.

    Leave out sentences that are empty after normalising, and reviews without any sentence.
    """
    if not reviews:
        return pa.RecordBatch.from_pylist([], SCHEMA)
    *columns, _, _, sentences, flags, _ = zip(*reviews, strict=True)
    lengths = np.fromiter(map(len, sentences), int, len(reviews))
    known = np.array([flag is not None for flag in flags])
    flags = chain.from_iterable(flag or repeat(0, n) for flag, n in zip(flags, lengths, strict=True))
    flags = np.fromiter(flags, bool, lengths.sum())
    cleaned, kept = clean_reviews(sentences, settings.mask_spoiler_word)
    # If every flagged sentence was empty, it is unknown which of the others spoil.
    review_of_sentence = np.repeat(np.arange(len(reviews)), lengths)
    flagged = np.bincount(review_of_sentence[kept & flags], minlength=len(reviews)) > 0
    known &= flagged == np.array(columns[5])
    labels = pa.ListArray.from_arrays(cleaned.offsets, pa.array(flags[kept]), mask=pa.array(~known))
    batch = pa.record_batch([*columns, cleaned, labels], schema=SCHEMA)
    lengths = np.diff(cleaned.offsets.to_numpy())
    return batch if lengths.all() else batch.filter(pa.array(lengths > 0))


LOWER = bytes(byte + 32 if 65 <= byte <= 90 else byte for byte in range(256))
NOT_ALPHANUMERIC = bytes(byte for byte in range(128) if not chr(byte).isalnum())


def hash_texts(sentences: pa.ListArray) -> np.ndarray:
    """Return a 64-bit hash of the lower-case letters and digits of each review's text, uint64 (reviews).

    The probability that any two of two million different texts share a hash is 1e-7.
    """
    texts = pc.binary_join(sentences, " ").cast(pa.binary()).to_pylist()
    keys = (text.translate(LOWER, NOT_ALPHANUMERIC) or text for text in texts)
    hashes = (int.from_bytes(blake2b(key, digest_size=8).digest()) for key in keys)
    return np.fromiter(hashes, np.uint64, len(texts))


def unique_texts(parts: list[Part], counts: Counter) -> list[np.ndarray]:
    """Return a mask of reviews to keep, bool (reviews), for each part; count the others as dropped.

    Of reviews with the same text, keep the first if their labels agree, and none otherwise.
    """
    hashes = np.concatenate([part.hashes for part in parts])
    labels = np.concatenate([part.labels for part in parts])
    _, first, which, times = np.unique(hashes, return_index=True, return_inverse=True, return_counts=True)
    spoilers = np.bincount(which, weights=labels, minlength=len(times))
    conflict = ((spoilers > 0) & (spoilers < times))[which]
    is_first = np.zeros(len(hashes), bool)
    is_first[first] = True
    drop("conflicting_labels", counts, int(conflict.sum()))
    drop("duplicate", counts, int((~conflict & ~is_first).sum()))
    return np.split(is_first & ~conflict, np.cumsum([len(part.hashes) for part in parts])[:-1])


def copy_rows(parts: list[Part], keep: list[np.ndarray], target: Path, counts: Counter, workers: int) -> None:
    """Write the kept rows to `target` (Parquet); count their reviews, sentences and labels."""
    with pq.ParquetWriter(target, SCHEMA, **STORAGE) as writer:
        for table in ordered_map(read_rows, row_groups(parts, keep), workers):
            counts["kept"] += len(table)
            counts["kept_spoilers"] += pc.sum(table["label"]).as_py()
            counts["kept_sentences"] += pc.sum(pc.list_value_length(table["sentences"])).as_py()
            counts["kept_spoiler_sentences"] += pc.sum(pc.list_flatten(table["sentence_labels"])).as_py() or 0
            writer.write_table(table)


Rows = list[tuple[Path, np.ndarray]]  # files, each with a mask of the reviews to keep


def row_groups(parts: list[Part], keep: list[np.ndarray]) -> Iterator[Rows]:
    """Yield groups of consecutive parts with at least `ROW_GROUP` rows to keep; the last may have fewer."""
    group: Rows = []
    rows = 0
    for part, wanted in zip(parts, keep, strict=True):
        group.append((part.path, wanted))
        rows += int(wanted.sum())
        if rows >= ROW_GROUP:
            yield group
            group, rows = [], 0
    if rows:
        yield group


def read_rows(group: Rows) -> pa.Table:
    """Read the rows to keep from a group's Arrow files."""
    batches = []
    for path, wanted in group:
        with pa.OSFile(str(path)) as file:
            batches.append(pa.ipc.open_file(file).get_batch(0).filter(pa.array(wanted)))
    return pa.Table.from_batches(batches)


def summary(counts: Counter) -> str:
    """Return the counts of dropped and rejected reviews by reason, largest first, as text."""
    reasons = [name for name in counts if name.startswith(("dropped_", "rejected_"))]
    return ", ".join(f"{name} {counts[name]}" for name in sorted(reasons, key=lambda name: -counts[name]))


def check_rejected(source: Path, settings: Clean, counts: Counter, rejects: Path) -> None:
    """Check that the source holds reviews and not too many malformed lines.

    Raises:
        UserError: it holds no reviews, or too many lines are malformed.
    """
    if counts["read"] == 0:
        raise UserError(f"{source}: holds no reviews; check download.source")
    if counts["rejected"] > settings.max_rejected * counts["read"]:
        with open(rejects, encoding="utf-8") as file:
            first = json.loads(file.readline())
        raise UserError(
            f"{source}: {counts['rejected']} of {counts['read']} lines are malformed, more than"
            f" clean.max_rejected = {settings.max_rejected:g} allows; the first is line {first['line']}"
            f" ({first['reason']}: {first.get('value') or repr(first['text'][:60])});"
            " check that this is a Goodreads file, or raise the limit"
        )
