"""The record layouts of the public Goodreads files, validated one line at a time.

`goodreads_reviews_spoiler.json.gz` has `review_sentences`, each with a flag. The raw files
(`goodreads_reviews_spoiler_raw.json.gz`, `goodreads_reviews_dedup.json.gz`) have `review_text`, in
which `(view spoiler)[ ... (hide spoiler)]` marks what gives the plot away.
"""

import re
from collections.abc import Iterator
from datetime import date
from typing import Annotated, NamedTuple

import orjson
from pydantic import ConfigDict, Field, StrictBool, StrictInt, StrictStr, TypeAdapter, ValidationError
from typing_extensions import TypedDict

BANNER = re.compile(r"\s*\*\*\s*spoiler alert\s*\*\*\s*", re.IGNORECASE)


class Rejected(Exception):
    """A line that is no record of either layout; the message is the reason under which it is counted."""


class Review(NamedTuple):
    review_id: str
    book_id: str
    user_id: str
    date: date
    rating: int
    label: bool
    banner: bool  # opens with `** spoiler alert **`, which is not among the sentences
    sentences: list[str]
    flags: list[int] | None


class Shared(TypedDict):
    __pydantic_config__ = ConfigDict(extra="ignore")
    user_id: Annotated[StrictStr, Field(min_length=1)]
    book_id: Annotated[StrictStr, Field(min_length=1)]
    review_id: Annotated[StrictStr, Field(min_length=1)]
    rating: Annotated[StrictInt, Field(ge=0, le=5)]


class SentenceRecord(Shared):
    timestamp: StrictStr
    review_sentences: list[tuple[StrictInt, StrictStr]]
    has_spoiler: StrictBool


class RawRecord(Shared):
    review_text: StrictStr
    date_updated: StrictStr


SENTENCES = TypeAdapter(SentenceRecord)
RAW = TypeAdapter(RawRecord)


def parse(line: bytes) -> Review:
    """Read one line in whichever layout it is.

    Raises:
        Rejected: with the reason, when it is in neither.
    """
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        try:
            line.decode()
        except UnicodeDecodeError:
            raise Rejected("not_utf8") from error
        raise Rejected("invalid_json") from error
    if not isinstance(record, dict):
        raise Rejected("not_an_object")
    layout, parse_layout = (RAW, parse_raw) if "review_text" in record else (SENTENCES, parse_sentences)
    try:
        return parse_layout(layout.validate_python(record))
    except ValidationError as error:
        raise Rejected(reason(error)) from error


def reason(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    kind = "missing" if first["type"] == "missing" else "wrong"
    return f"{kind}_{first['loc'][0]}"


def parse_sentences(record: SentenceRecord) -> Review:
    flags = [flag for flag, _ in record["review_sentences"]]
    if not all(flag in (0, 1) for flag in flags):
        raise Rejected("flag_not_0_or_1")
    label = record["has_spoiler"]
    if label != any(flags):
        raise Rejected("has_spoiler_against_flags")
    sentences = [text for _, text in record["review_sentences"]]
    banner = BANNER.match(sentences[0]) if sentences else None
    if banner:
        sentences[0] = sentences[0][banner.end() :]
    try:
        day = date.fromisoformat(record["timestamp"])
    except ValueError:
        raise Rejected("wrong_timestamp") from None
    return make(record, day, label, bool(banner), sentences, flags)


def parse_raw(record: RawRecord) -> Review:
    text = record["review_text"]
    banner = BANNER.match(text)
    if banner:
        text = text[banner.end() :]
    pairs = list(split_marked(text))
    flags = [flag for flag, _ in pairs]
    day = parse_date(record["date_updated"])
    return make(record, day, any(flags), bool(banner), [sentence for _, sentence in pairs], flags)


def make(
    record: Shared, day: date, label: bool, banner: bool, sentences: list[str], flags: list[int]
) -> Review:
    ids = record["review_id"], record["book_id"], record["user_id"]
    return Review(*ids, day, record["rating"], label, banner, sentences, flags)


MONTHS = {name: i for i, name in enumerate(["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"], 1)}


def parse_date(text: str) -> date:
    """`Wed Aug 30 00:00:26 -0700 2017`, without `strptime`, which takes longer than the JSON."""
    try:
        _, month, day, _, _, year = text.split()
        return date(int(year), MONTHS[month], int(day))
    except (ValueError, KeyError):
        raise Rejected("wrong_date_updated") from None


MARK = re.compile(r"\(view spoiler\)\[|\(hide spoiler\)\]")
# A sentence ends at . ! ? or ..., with what closes a quotation or parenthesis, before white space
# and something that can begin a sentence; and at a line break.
SENTENCE_END = re.compile(r"""(?<=[.!?])['")\]]*\s+(?=['"(\[]*[A-Z0-9])|\s*\n\s*""")


def split_marked(text: str) -> Iterator[tuple[int, str]]:
    """Yield (flag, sentence): 1 between `(view spoiler)[` and `(hide spoiler)]`.

    Marks also end sentences. A mark that is opened twice stays open until the first closing
    one; one that is never closed reaches to the end of the review.
    """
    flag, start = 0, 0
    for mark in [*MARK.finditer(text), None]:
        end = mark.start() if mark else len(text)
        yield from ((flag, sentence) for sentence in split_sentences(text[start:end]))
        if mark:
            flag, start = int(mark.group().startswith("(view")), mark.end()


def split_sentences(text: str) -> Iterator[str]:
    start = 0
    for end in SENTENCE_END.finditer(text):
        yield text[start : end.end()].strip()
        start = end.end()
    if text[start:].strip():
        yield text[start:].strip()
