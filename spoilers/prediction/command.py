"""Predict whether new reviews contain spoilers, and where, with a model trained by `dvc repro`.

    spoilers predict "The butler did it." "A slow start."
    spoilers predict --redact - < review.txt
    spoilers predict --input reviews.jsonl.gz --output predictions.parquet

In Python: from spoilers import SpoilerDetector
"""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from spoilers.core.allocator import keep_freed_memory
from spoilers.core.errors import UserError
from spoilers.core.parallel import prefetch
from spoilers.core.terminal import printable
from spoilers.prediction import printing, writing
from spoilers.prediction.detector import Prediction, SpoilerDetector
from spoilers.prediction.files import Tally, predictions_of, score_file, to_table, with_progress
from spoilers.prediction.reading import LONGEST

MODELS = Path("data/models")


def run(arguments: argparse.Namespace) -> None:
    """Predict as the arguments say."""
    check(arguments)
    keep_freed_memory()
    with printing.standard_output():
        detector = SpoilerDetector.load(arguments.model)
        if arguments.input:
            predict_file(detector, arguments)
        else:
            predictions = detector.predict(map(text_of, arguments.texts))
            show(predictions, detector.threshold, arguments.redact)
            if all(prediction.probability is None for prediction in predictions):
                raise UserError("nothing could be scored")


def text_of(argument: str) -> str:
    """Return the argument itself, or, for `-`, all of standard input as one review."""
    if argument != "-":
        return argument
    if sys.__stdin__ is None:
        raise UserError("standard input: is closed")
    content = sys.stdin.buffer.read(LONGEST + 1)
    if len(content) > LONGEST:
        raise UserError(f"standard input: is longer than {LONGEST:,} bytes; is it one review?")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise UserError(f"standard input: is not UTF-8 ({error.reason} at byte {error.start})") from error


def show(predictions: Iterable[Prediction | str], threshold: float, redact: bool) -> None:
    """Print each prediction as it comes, or why there is none."""
    colour = printing.wants_colour()
    for number, prediction in enumerate(predictions):
        if isinstance(prediction, str):
            text = f"no score: {prediction}"
        elif redact:
            text = printable(prediction.redacted())
        else:
            text = printing.show(prediction, threshold, colour)
        print(f"\n{text}" if number else text)


def predict_file(detector: SpoilerDetector, arguments: argparse.Namespace) -> None:
    """Write the predictions, print them, or only score them."""
    tally = Tally(detector.threshold)
    scored = tally.watch(score_file(detector, arguments.input, arguments.text_column, arguments.strict))
    if arguments.output:
        with writing.writer(arguments.output) as write:
            for batch in prefetch(with_progress(scored)):
                write(to_table(batch, detector.threshold))
    elif arguments.score:
        for _ in with_progress(scored):
            pass
    else:
        show(predictions_of(detector, scored), detector.threshold, arguments.redact)
        print()
    print(tally.summary())
    if tally.rows == tally.problems.total():
        raise UserError(f"{arguments.input}: none of its reviews could be scored")
    if arguments.score:
        print(tally.scores())


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `spoilers predict`."""
    parser.set_defaults(refuse=parser.error)
    parser.add_argument("texts", nargs="*", metavar="TEXT", help="a review; - reads one from standard input")
    add_model_argument(parser)
    parser.add_argument("--redact", action="store_true", help="print the reviews with their spoilers hidden")
    parser.add_argument(
        "--input",
        type=Path,
        metavar="FILE",
        help="a file of reviews: .json or .jsonl (one JSON object per line, like the Goodreads files), .csv"
        " (all three also as .gz), or .parquet",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="where to write the predictions: .parquet, .csv or .jsonl (the last two also as .gz); without"
        " it, they are printed; ids are written unchanged, so import a .csv into a spreadsheet as text",
    )
    parser.add_argument(
        "--text-column",
        metavar="NAME",
        help="the column of the input that holds the text (default: review_text or text)",
    )
    parser.add_argument("--strict", action="store_true", help="stop at the first row that cannot be scored")
    parser.add_argument(
        "--score",
        action="store_true",
        help="print the metrics of the evaluate stage for the rows that have a label in the column label or"
        " has_spoiler",
    )


def add_model_argument(parser: argparse.ArgumentParser) -> None:
    """Declare `--model`: a name in `MODELS`, or the folder of any model."""
    parser.add_argument(
        "--model",
        type=model_folder,
        default="lstm",
        help="lstm, gru or baseline (in data/models), or the folder of a model (default: lstm)",
    )


def model_folder(name: str) -> Path:
    """Return the folder `MODELS / name`, or else the folder `name`."""
    named = MODELS / name
    return Path(name) if Path(name).is_dir() and not named.is_dir() else named


def check(arguments: argparse.Namespace) -> None:
    """Refuse arguments that do not go together."""
    if bool(arguments.texts) == bool(arguments.input):
        arguments.refuse("give either texts (or - for standard input) or --input FILE")
    for option in ("output", "text_column", "strict", "score"):
        if getattr(arguments, option) and not arguments.input:
            arguments.refuse(f"--{option.replace('_', '-')} goes with --input")
    if arguments.redact and (arguments.output or arguments.score):
        arguments.refuse("--redact prints the reviews; it goes neither with --output nor with --score")
    if arguments.output:
        writing.check_name(arguments.output)
        there = arguments.input.exists() and arguments.output.exists()
        if there and arguments.output.samefile(arguments.input):
            raise UserError(f"{arguments.output}: is the input itself; choose another name for the output")
