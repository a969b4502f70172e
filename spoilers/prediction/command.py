"""Says of new reviews whether they spoil, and where, by a model that `dvc repro` has trained.

    python -m spoilers.prediction.command "The butler did it." "A slow start."
    python -m spoilers.prediction.command --redact - < review.txt
    python -m spoilers.prediction.command --input reviews.jsonl.gz --output predictions.parquet

As a library: from spoilers.prediction.command import SpoilerDetector
"""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from spoilers.core.allocator import keep_freed_memory
from spoilers.core.errors import UserError, run
from spoilers.core.parallel import prefetch
from spoilers.prediction import printing, writing
from spoilers.prediction.detector import Prediction, SpoilerDetector
from spoilers.prediction.files import Tally, predictions_of, score_file, to_table, with_progress
from spoilers.prediction.folder import model_folder
from spoilers.prediction.reading import LONGEST

__all__ = ["Prediction", "SpoilerDetector"]


def main() -> None:
    arguments = parse_arguments()
    keep_freed_memory()
    with printing.standard_output():
        detector = SpoilerDetector.load(arguments.model)
        if arguments.input:
            predict_file(detector, arguments)
        else:
            predictions = detector.predict(map(text_of, arguments.texts))
            show(predictions, detector.threshold, arguments.redact)


def text_of(argument: str) -> str:
    """The argument itself, or for `-` what standard input holds, as one review."""
    if argument != "-":
        return argument
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
            text = printing.printable(prediction.redacted())
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
    if arguments.score:
        print(tally.scores())


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m spoilers.prediction.command",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("texts", nargs="*", metavar="TEXT", help="a review; - reads one from standard input")
    parser.add_argument(
        "--model",
        type=model_folder,
        default="lstm",
        help="lstm, gru, baseline, or the folder of a model (lstm)",
    )
    parser.add_argument("--redact", action="store_true", help="print the reviews with their spoilers hidden")
    parser.add_argument(
        "--input",
        type=Path,
        metavar="FILE",
        help="reviews: .json, .jsonl (Goodreads' too), .csv (all three also .gz), .parquet",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="predictions: .parquet, .csv, .jsonl (the last two also .gz); without it, they are printed",
    )
    parser.add_argument(
        "--text-column", metavar="NAME", help="where the input has its text (review_text or text)"
    )
    parser.add_argument("--strict", action="store_true", help="stop at the first row that cannot be scored")
    parser.add_argument(
        "--score",
        action="store_true",
        help="print the metrics of the evaluate stage on the rows with a label (column label or has_spoiler)",
    )
    arguments = parser.parse_args()
    check(arguments, parser)
    return arguments


def check(arguments: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Refuse what does not go together."""
    if bool(arguments.texts) == bool(arguments.input):
        parser.error("give either texts (or - for standard input) or --input FILE")
    for option in ("output", "text_column", "strict", "score"):
        if getattr(arguments, option) and not arguments.input:
            parser.error(f"--{option.replace('_', '-')} goes with --input")
    if arguments.redact and (arguments.output or arguments.score):
        parser.error("--redact prints the reviews; it goes neither with --output nor with --score")
    if arguments.output:
        writing.check_name(arguments.output)
        there = arguments.input.exists() and arguments.output.exists()
        if there and arguments.output.samefile(arguments.input):
            raise UserError(f"{arguments.output}: is the input itself; choose another name for the output")


if __name__ == "__main__":
    run(main)
