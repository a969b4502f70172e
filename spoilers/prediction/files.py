"""Score a file of reviews in batches; the next batch is read while one is scored."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from tqdm import tqdm

from spoilers.core.errors import UserError
from spoilers.core.parallel import prefetch
from spoilers.metrics.scores import all_scores
from spoilers.prediction.batches import batches
from spoilers.prediction.detector import CutReview, Prediction, Scores, SpoilerDetector
from spoilers.prediction.encoding import Encoded
from spoilers.prediction.reading import IDS, Row, read_rows
from spoilers.prediction.writing import SCHEMA


class Batch(NamedTuple):
    rows: list[Row]
    encoded: Encoded


class Scored(NamedTuple):
    first: int  # number of the first row, from 1
    rows: list[Row]
    scores: Scores


def score_file(detector: SpoilerDetector, path: Path, column: str | None, strict: bool) -> Iterator[Scored]:
    """Yield the rows of a file with their scores, in order.

    Raises:
        UserError: the file cannot be read, or, if `strict`, a row of it cannot be scored.
    """
    first = 1
    for rows, encoded in prefetch(prepare(detector, path, column)):
        scores = detector.score(encoded)
        rows = with_problems(rows, scores)
        if strict:
            refuse_problems(path, first, rows)
        yield Scored(first, rows, scores)
        first += len(rows)
    if first == 1:
        raise UserError(f"{path}: holds no reviews")


def with_progress(batches: Iterable[Scored]) -> Iterator[Scored]:
    """Show on a terminal how many rows have passed."""
    with tqdm(desc="predict", unit=" reviews", unit_scale=True, disable=None, leave=False) as progress:
        for scored in batches:
            yield scored
            progress.update(len(scored.rows))


def prepare(detector: SpoilerDetector, path: Path, column: str | None) -> Iterator[Batch]:
    for number, rows in enumerate(batches(read_rows(path, column))):
        missing = [row.problem for row in rows if (row.problem or "").startswith("missing_")]
        if number == 0 and len(missing) == len(rows):
            raise UserError(
                f"{path}: none of its first {len(rows)} records has {missing[0].removeprefix('missing_')!r};"
                " name the column that holds the text by --text-column"
            )
        yield Batch(rows, detector.encode([row.sentences for row in rows]))


def with_problems(rows: list[Row], scores: Scores) -> list[Row]:
    """Mark well-formed rows without a score as empty."""
    unread = np.isnan(scores.reviews)
    return [
        row._replace(problem="empty") if nothing and row.problem is None else row
        for row, nothing in zip(rows, unread, strict=True)
    ]


def refuse_problems(path: Path, first: int, rows: list[Row]) -> None:
    for number, row in enumerate(rows, first):
        if row.problem:
            raise UserError(
                f"{path}: row {number} cannot be scored ({row.problem}); mend it, or leave out --strict"
            )


def to_table(scored: Scored, threshold: float) -> pa.Table:
    """Return the table to write, with one row for each row that was read."""
    first, rows, scores = scored
    unread = np.isnan(scores.reviews)
    sentences = [sentence for row in rows for sentence in row.sentences]
    offsets = pa.array(scores.offsets, pa.int32())
    probabilities = pa.array(scores.sentences.astype(np.float32), from_pandas=True)
    columns = [
        pa.array(range(first, first + len(rows))),
        *(pa.array([row.ids[i] for row in rows], pa.string()) for i in range(len(IDS))),
        pa.array(scores.reviews.astype(np.float32), from_pandas=True),
        pa.array(scores.reviews >= threshold, mask=unread),
        pa.ListArray.from_arrays(offsets, pa.array(sentences, pa.string())),
        pa.ListArray.from_arrays(offsets, probabilities),
        pa.array([row.problem for row in rows], pa.string()),
    ]
    return pa.table(columns, schema=SCHEMA)


def predictions_of(detector: SpoilerDetector, batches: Iterable[Scored]) -> Iterator[Prediction | str]:
    """Yield each row's prediction, or why it has none."""
    for scored in batches:
        for i, row in enumerate(scored.rows):
            review = CutReview(row.text, row.sentences)
            yield row.problem or detector.conclude(review, *scored.scores.of(i))


@dataclass
class Tally:
    """Counts to report after a file's last row."""

    threshold: float
    rows: int = 0
    spoilers: int = 0
    problems: Counter = field(default_factory=Counter)
    labels: list[np.ndarray] = field(default_factory=list)  # of the rows with a label and a score
    probabilities: list[np.ndarray] = field(default_factory=list)

    def watch(self, batches: Iterable[Scored]) -> Iterator[Scored]:
        """Count what passes through."""
        for scored in batches:
            self.add(scored)
            yield scored

    def add(self, scored: Scored) -> None:
        probabilities = scored.scores.reviews
        self.rows += len(scored.rows)
        self.spoilers += int((probabilities >= self.threshold).sum())
        self.problems.update(row.problem for row in scored.rows if row.problem)
        labels = np.array([np.nan if row.label is None else row.label for row in scored.rows], np.float32)
        known = ~np.isnan(labels) & ~np.isnan(probabilities)
        self.labels.append(labels[known])
        self.probabilities.append(probabilities[known])

    def summary(self) -> str:
        text = f"{self.rows:,} reviews, {self.spoilers:,} called spoilers"
        if not self.problems:
            return text
        reasons = ", ".join(f"{name} {count:,}" for name, count in self.problems.most_common())
        return f"{text}; {self.problems.total():,} without a score: {reasons}"

    def scores(self) -> str:
        """Return the metrics of `evaluate` on the rows that have a label, one per line.

        Raises:
            UserError: none has one.
        """
        labels, probabilities = np.concatenate(self.labels), np.concatenate(self.probabilities)
        if len(labels) == 0:
            raise UserError("--score: no row has a label (true or false, in a column label or has_spoiler)")
        found = all_scores(labels, probabilities, self.threshold)
        lines = [f"{len(labels):,} reviews with a label, {int(labels.sum()):,} of them spoilers"]
        return "\n".join(lines + [f"{name:22} {value:.4f}" for name, value in found.items()])
