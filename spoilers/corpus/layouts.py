"""The record layouts of the public Goodreads files, validated one line at a time.

`goodreads_reviews_spoiler.json.gz` has `review_sentences`, each with a flag. The raw files
(`goodreads_reviews_spoiler_raw.json.gz`, `goodreads_reviews_dedup.json.gz`) have `review_text`, in
which `(view spoiler)[ ... (hide spoiler)]` marks what gives the plot away.
"""

import re
from datetime import date
from functools import lru_cache
from typing import Annotated, NamedTuple

import msgspec

BOTH = frozenset([0, 1])  # the flags
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
    faults: list[str]  # what is wrong with its spoiler tags, once for each tag
    sentences: list[str]
    flags: list[int] | None  # 1 for a sentence that gives the plot away, 0 for another


Id = Annotated[str, msgspec.Meta(min_length=1)]


class Shared(msgspec.Struct):
    """What both layouts have; other keys do not matter. Types are strict: no `"3"` for 3, no 1 for true."""

    user_id: Id
    book_id: Id
    review_id: Id
    rating: Annotated[int, msgspec.Meta(ge=0, le=5)]


class SentenceRecord(Shared):
    timestamp: str
    review_sentences: list[tuple[int, str]]
    has_spoiler: bool


class RawRecord(Shared):
    review_text: str
    date_updated: str


SENTENCES = msgspec.json.Decoder(SentenceRecord)
RAW = msgspec.json.Decoder(RawRecord)
TEXT_KEY = re.compile(rb'"review_text"\s*:')  # inside a text, its quotes have backslashes before them


def parse(line: bytes) -> Review:
    """Read one line in whichever layout it is.

    Raises:
        Rejected: with the reason, when it is in neither.
    """
    raw = b"review_text" in line and TEXT_KEY.search(line)  # the first is far faster, and mostly enough
    layout, parse_layout = (RAW, parse_raw) if raw else (SENTENCES, parse_sentences)
    try:
        record = layout.decode(line)
        if not line.isascii():
            line.decode()  # keys that do not matter may hold anything else
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        decode(line)
        raise Rejected(reason(error)) from None
    return parse_layout(record)


def decode(line: bytes) -> dict:
    """Read one line of JSON.

    Raises:
        Rejected: with the reason, when it is not an object.
    """
    try:
        line.decode()
        record = msgspec.json.decode(line)
    except UnicodeDecodeError:
        raise Rejected("not_utf8") from None
    except (msgspec.DecodeError, RecursionError):
        raise Rejected("invalid_json") from None
    if not isinstance(record, dict):
        raise Rejected("not_an_object")
    return record


def reason(error: Exception) -> str:
    """`wrong_rating` of "... - at `$.rating`", `missing_rating` of "... missing required field `rating`"."""
    path = re.search(r"- at `\$\.(\w+)", str(error))
    return f"wrong_{path[1]}" if path else "missing_" + re.search(r"field `(\w+)`", str(error))[1]


def parse_sentences(record: SentenceRecord) -> Review:
    pairs = record.review_sentences
    flags = [flag for flag, _ in pairs]
    sentences = [text for _, text in pairs]
    if not BOTH.issuperset(flags):
        raise Rejected("flag_not_0_or_1")
    if record.has_spoiler != (1 in flags):
        raise Rejected("has_spoiler_against_flags")
    banner = cut_banner(sentences)
    return make(record, parse_day(record.timestamp), banner, [], sentences, flags)


def parse_raw(record: RawRecord) -> Review:
    day = parse_time(record.date_updated)
    _, banner, faults, sentences, flags = take_apart(record.review_text)
    return make(record, day, banner, faults, sentences, flags)


def cut_banner(sentences: list[str]) -> bool:
    """Cut `** spoiler alert **` off the first sentence; return whether it was there."""
    banner = BANNER.match(sentences[0]) if sentences else None
    if banner:
        sentences[0] = sentences[0][banner.end() :]
    return bool(banner)


class Parts(NamedTuple):
    plain: str  # the text without banner and tags; between its sentences there is white space only
    banner: bool
    faults: list[str]
    sentences: list[str]
    flags: list[int]


def take_apart(text: str) -> Parts:
    """The sentences of a running text, and what its author marked in it."""
    banner = BANNER.match(text)
    spans, faults = split_spans(text[banner.end() :] if banner else text)
    pairs = [(flag, sentence) for flag, span in spans for sentence in split_sentences(span)]
    flags = [flag for flag, _ in pairs]
    sentences = [sentence for _, sentence in pairs]
    return Parts("".join(span for _, span in spans), bool(banner), faults, sentences, flags)


def make(
    record: Shared, day: date, banner: bool, faults: list[str], sentences: list[str], flags: list[int]
) -> Review:
    return Review(
        record.review_id,
        record.book_id,
        record.user_id,
        day,
        record.rating,
        1 in flags,
        banner,
        faults,
        sentences,
        flags,
    )


DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
TIME = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([0-9]{2}) [0-9:]{8} [+-][0-9]{4} ([0-9]{4})")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@lru_cache(1 << 14)
def parse_day(text: str) -> date:
    """`2017-08-30`."""
    try:
        year, month, day = DAY.fullmatch(text).groups()
        return date(int(year), int(month), int(day))
    except (AttributeError, ValueError):
        raise Rejected("wrong_timestamp") from None


def parse_time(text: str) -> date:
    """`Wed Aug 30 00:00:26 -0700 2017`, without `strptime`, which takes longer than the JSON."""
    try:
        month, day, year = TIME.fullmatch(text).groups()
        return date(int(year), MONTHS.index(month) + 1, int(day))
    except (AttributeError, ValueError):
        raise Rejected("wrong_date_updated") from None


TAG = re.compile(r"\(view spoiler\)\s*\[|\(hide spoiler\)\s*\]", re.IGNORECASE)


def split_spans(text: str) -> tuple[list[tuple[int, str]], list[str]]:
    """Cut a text into (flag, span), flag 1 between the tags `(view spoiler)[` and `(hide spoiler)]`.

    Tags nest: a spoiler ends when as many have been closed as were opened. One that is never
    closed reaches to the end of the text; a closing tag without an opening one means nothing.
    Also returns the faults: `nested`, `unclosed` or `unopened`, once for each such tag.
    """
    spans, faults = [], []
    depth = start = 0
    for tag in TAG.finditer(text):
        spans.append((int(depth > 0), text[start : tag.start()]))
        start = tag.end()
        opens = tag.group().endswith("[")
        if opens and depth:
            faults.append("nested")
        if not opens and not depth:
            faults.append("unopened")
        depth = depth + 1 if opens else max(depth - 1, 0)
    spans.append((int(depth > 0), text[start:]))
    return spans, faults + ["unclosed"] * depth


# The white space between two sentences. It is tried from its first character only: from each, a long
# run of blanks would take the square of its length.
CLOSING, OPENING = "['\"\u2019\u201d)\\]]", "['\"\u2018\u201c(\\[]"
BETWEEN = re.compile(
    rf"(?<!\s)\s*\n\s*|(?:(?<=[.!?\u2026])|(?<=[.!?\u2026]{CLOSING})|(?<=[.!?\u2026]{CLOSING}{{2}}))"
    r"(?<!\b[A-HJ-Z]\.)(?<!\b(?:Mr|Ms|Dr|St|Jr|Sr|vs)\.)(?<!\b(?:Mrs|Vol)\.)"
    rf"\s+(?={OPENING}*[A-Z0-9\u00c0-\u00d6\u00d8-\u00de])"
)


def split_sentences(text: str) -> list[str]:
    """The sentences of a text, without the white space around them.

    One ends at a line break; and after `.`, `!`, `?` or an ellipsis, with up to two marks that close
    a quotation or parenthesis, before white space and a capital letter or digit, perhaps behind
    what opens a quotation or parenthesis. The full stop of an initial (`J.`, but not `I.`) or of a title
    (`Mr.`, `Dr.`, ...) ends none.
    """
    return [sentence for sentence in map(str.strip, BETWEEN.split(text)) if sentence]
