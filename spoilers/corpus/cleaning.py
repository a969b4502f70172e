"""From lines to reviews: validated, normalised, without duplicates, everything counted.

Two passes. The first streams the raw file in chunks, keeps what passes and remembers a hash of each text;
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

from spoilers.core.errors import UserError
from spoilers.core.files import replacing, scratch_folder
from spoilers.core.parallel import in_order, processes
from spoilers.core.params import Clean
from spoilers.corpus.layouts import Rejected, Review, parse
from spoilers.corpus.lines import Chunk, Line, read_chunks, split_lines
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
ALWAYS = ("read", "kept", "dropped", "rejected", "banners")  # the counts that are there even when 0
ROW_GROUP = 12_000  # reviews that are at least in a row group: more have more words in common
EXCERPT = 200  # characters of a rejected line that are kept


def clean(source: Path, reviews: Path, rejected: Path, settings: Clean, workers: int) -> dict[str, int]:
    """Clean the file `source` into `reviews` (Parquet) and `rejected` (JSON lines); return the counts.

    kept + dropped + rejected = read, and the order is that of the input.

    Raises:
        UserError: the source is damaged, or too many of its lines are malformed, or none is left.
    """
    counts: Counter[str] = Counter()
    parts: list[Part] = []
    with (
        replacing(reviews) as final,
        replacing(rejected) as rejects,
        scratch_folder(reviews.with_name(f".{reviews.name}.first_pass.partial")) as folder,
    ):
        with (
            open(rejects, "w", encoding="utf-8") as rejects_file,
            tqdm(desc="clean", unit=" reviews", unit_scale=True, disable=None, leave=False) as progress,
        ):
            chunks = put_down(read_chunks(source, settings.max_line_bytes), folder)
            for cleaned in in_order(partial(clean_chunk, settings=settings), chunks, workers, processes):
                counts.update(cleaned.counts)
                rejects_file.write(cleaned.rejected)
                parts.append(cleaned.part)
                progress.update(cleaned.counts["read"])
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
    """What the second pass must know of a chunk's reviews, which lie in a file of their own."""

    path: Path
    hashes: np.ndarray  # uint64 (reviews): of the texts
    labels: np.ndarray  # bool (reviews)


class Cleaned(NamedTuple):
    """What became of a chunk of lines."""

    part: Part
    rejected: str  # JSON lines
    counts: Counter


def put_down(chunks: Iterator[Chunk], folder: Path) -> Iterator[tuple[int, Path]]:
    """Write each chunk into a file, from which a worker has it sooner than through a pipe."""
    for chunk in chunks:
        path = folder / f"{chunk.number}.jsonl"
        path.write_bytes(chunk.lines)
        yield chunk.number, path


def clean_chunk(number_and_path: tuple[int, Path], settings: Clean) -> Cleaned:
    """What becomes of the lines of a file; their reviews take its place."""
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
    return Cleaned(Part(path, hash_texts(reviews["sentences"]), labels), "".join(rejected), counts)


def accept(lines: Iterator[Line], settings: Clean, counts: Counter, rejected: list[str]) -> Iterator[Review]:
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


def to_batch(reviews: list[Review], settings: Clean) -> pa.RecordBatch:
    """Normalise the sentences; leave out those that are empty, and the reviews without any left."""
    if not reviews:
        return pa.RecordBatch.from_pylist([], SCHEMA)
    *columns, _, _, sentences, flags = zip(*reviews, strict=True)
    lengths = np.fromiter(map(len, sentences), int, len(reviews))
    known = np.array([flag is not None for flag in flags])
    flags = chain.from_iterable(flag or repeat(0, n) for flag, n in zip(flags, lengths, strict=True))
    flags = np.fromiter(flags, bool, lengths.sum())
    cleaned, kept = clean_reviews(sentences, settings.mask_spoiler_word)
    # Where the one flagged sentence was empty, nothing says which of the others spoils.
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
    """A 64-bit hash of each review's text: its letters and digits alone, in lower case.

    Of two million different texts, two share a hash with a probability of 1e-7.
    """
    texts = pc.binary_join(sentences, " ").cast(pa.binary()).to_pylist()
    keys = (text.translate(LOWER, NOT_ALPHANUMERIC) or text for text in texts)
    hashes = (int.from_bytes(blake2b(key, digest_size=8).digest()) for key in keys)
    return np.fromiter(hashes, np.uint64, len(texts))


def unique_texts(parts: list[Part], counts: Counter) -> list[np.ndarray]:
    """What to keep of each part: the first review of a text, and none of a text with unequal labels."""
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
    """Write the rows to keep, and count what is in them."""
    with pq.ParquetWriter(target, SCHEMA, **STORAGE) as writer:
        for table in in_order(read_rows, row_groups(parts, keep), workers):
            counts["kept"] += len(table)
            counts["kept_spoilers"] += pc.sum(table["label"]).as_py()
            counts["kept_sentences"] += pc.sum(pc.list_value_length(table["sentences"])).as_py()
            counts["kept_spoiler_sentences"] += pc.sum(pc.list_flatten(table["sentence_labels"])).as_py() or 0
            writer.write_table(table)


Rows = list[tuple[Path, np.ndarray]]  # files, and which of their reviews to keep


def row_groups(parts: list[Part], keep: list[np.ndarray]) -> Iterator[Rows]:
    """Put parts together that have about `ROW_GROUP` rows to keep."""
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
    batches = []
    for path, wanted in group:
        with pa.OSFile(str(path)) as file:
            batches.append(pa.ipc.open_file(file).get_batch(0).filter(pa.array(wanted)))
    return pa.Table.from_batches(batches)


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
