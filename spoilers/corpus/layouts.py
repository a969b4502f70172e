"""Parse and validate one record of the public Goodreads files, which have two layouts.

`goodreads_reviews_spoiler.json.gz` has `review_sentences`, each with a flag. The raw files
(`goodreads_reviews_spoiler_raw.json.gz`, `goodreads_reviews_dedup.json.gz`) have `review_text`, in
which the tags `(view spoiler)[ ... (hide spoiler)]` enclose spoilers.
"""

import re
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Annotated, NamedTuple

import msgspec

from spoilers.corpus.conversions import convert

FLAGS = frozenset([0, 1])
BANNER = re.compile(r"\s*\*\*\s*spoiler alert\s*\*\*\s*", re.IGNORECASE)


class Rejected(Exception):
    """A line is a record of neither layout; the message is the reason under which it is counted."""

    value: object = None  # the value of the wrong field


class Review(NamedTuple):
    """One review, whatever the layout of its record."""

    review_id: str
    book_id: str
    user_id: str
    date: date
    rating: int
    label: bool
    banner: bool  # it opened with `** spoiler alert **`, which is not part of the sentences
    faults: list[str]  # `nested`, `unclosed` or `unopened`, once for each faulty spoiler tag
    sentences: list[str]
    flags: list[int] | None  # 1 for a sentence that is a spoiler, else 0; None if unknown
    converted: Sequence[str] = ()  # keys of values that had another type


Id = Annotated[str, msgspec.Meta(min_length=1)]


class Shared(msgspec.Struct):
    """The keys of both layouts; others are ignored. Types are strict; other types are converted first."""

    user_id: Id
    book_id: Id
    review_id: Id
    rating: Annotated[int, msgspec.Meta(ge=0, le=5)]


class SentenceRecord(Shared):
    """A record of `goodreads_reviews_spoiler.json.gz`."""

    timestamp: str
    review_sentences: list[tuple[int, str]]
    has_spoiler: bool


class RawRecord(Shared):
    """A record of the raw files."""

    review_text: str
    date_updated: str


SENTENCES = msgspec.json.Decoder(SentenceRecord)
RAW = msgspec.json.Decoder(RawRecord)
TEXT_KEY = re.compile(rb'"review_text"\s*:')  # inside a text, the quotes would be escaped


def parse(line: bytes) -> Review:
    """Parse one line, whichever layout it has.

    Raises:
        Rejected: it has neither; the message is the reason.
    """
    raw = b"review_text" in line and TEXT_KEY.search(line)  # the first test is far faster
    layout, parse_layout = (RAW, parse_raw) if raw else (SENTENCES, parse_sentences)
    try:
        record = layout.decode(line)
        if not line.isascii():
            line.decode()  # msgspec does not check that ignored keys hold UTF-8
        return parse_layout(record)
    except (Rejected, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return parse_converted(decode(line))


def parse_converted(record: dict) -> Review:
    """Parse a record after converting values of other types than the layouts'.

    Raises:
        Rejected: it has neither layout; the message is the reason.
    """
    converted = convert(record)
    layout, parse_layout = (
        (RawRecord, parse_raw) if "review_text" in record else (SentenceRecord, parse_sentences)
    )
    try:
        return parse_layout(msgspec.convert(record, layout))._replace(converted=converted)
    except (Rejected, msgspec.ValidationError) as error:
        why = error if isinstance(error, Rejected) else Rejected(reason(error))
        why.value = record.get(str(why).removeprefix("wrong_"))
        raise why from None


def decode(line: bytes) -> dict:
    """Parse a JSON object.

    Raises:
        Rejected: the line is not one; the message is the reason.
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
    """Turn msgspec's message into a reason.

    "... - at `$.rating`" gives `wrong_rating`; "... missing required field `rating`" gives `missing_rating`.
    """
    path = re.search(r"- at `\$\.(\w+)", str(error))
    return f"wrong_{path[1]}" if path else "missing_" + re.search(r"field `(\w+)`", str(error))[1]


def parse_sentences(record: SentenceRecord) -> Review:
    """Return the review of a record with flagged sentences.

    Raises:
        Rejected: its flags, label or date are wrong.
    """
    pairs = record.review_sentences
    flags = [flag for flag, _ in pairs]
    sentences = [text for _, text in pairs]
    if not FLAGS.issuperset(flags):
        raise Rejected("flag_not_0_or_1")
    if record.has_spoiler != (1 in flags):
        raise Rejected("has_spoiler_against_flags")
    banner = remove_banner(sentences)
    return make(record, parse_day(record.timestamp, "timestamp"), banner, [], sentences, flags)


def parse_raw(record: RawRecord) -> Review:
    """Return the review of a record with tagged text.

    Raises:
        Rejected: its date is wrong.
    """
    day = parse_day(record.date_updated, "date_updated")
    _, banner, faults, sentences, flags = parse_text(record.review_text)
    return make(record, day, banner, faults, sentences, flags)


def remove_banner(sentences: list[str]) -> bool:
    """Remove `** spoiler alert **` from the start of the first sentence; return whether it was there."""
    banner = BANNER.match(sentences[0]) if sentences else None
    if banner:
        sentences[0] = sentences[0][banner.end() :]
    return bool(banner)


class ParsedText(NamedTuple):
    """A review's text, split into sentences, with its author's spoiler marks."""

    plain: str  # the text without banner and tags: its sentences, with white space between them
    banner: bool
    faults: list[str]
    sentences: list[str]
    flags: list[int]


def parse_text(text: str) -> ParsedText:
    """Remove banner and spoiler tags from a review's text, and split it into flagged sentences."""
    banner = BANNER.match(text)
    spans, faults = split_spans(text[banner.end() :] if banner else text)
    pairs = [(flag, sentence) for flag, span in spans for sentence in split_sentences(span)]
    flags = [flag for flag, _ in pairs]
    sentences = [sentence for _, sentence in pairs]
    return ParsedText("".join(span for _, span in spans), bool(banner), faults, sentences, flags)


def make(
    record: Shared, day: date, banner: bool, faults: list[str], sentences: list[str], flags: list[int]
) -> Review:
    """Return a review, which is a spoiler if any of its sentences is."""
    ids = record.review_id, record.book_id, record.user_id
    return Review(*ids, day, record.rating, 1 in flags, banner, faults, sentences, flags)


DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
TIME = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([0-9]{2}) [0-9:]{8} [+-][0-9]{4} ([0-9]{4})")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@lru_cache(1 << 14)
def parse_day(text: str, key: str) -> date:
    """Parse a date such as `2017-08-30` or a time such as `Wed Aug 30 00:00:26 -0700 2017`.

    `strptime` would take longer than parsing the whole record's JSON.

    Raises:
        Rejected: it is neither.
    """
    try:
        if found := DAY.fullmatch(text):
            return date(*map(int, found.groups()))
        month, day, year = TIME.fullmatch(text).groups()
        return date(int(year), MONTHS.index(month) + 1, int(day))
    except (AttributeError, ValueError):
        raise Rejected(f"wrong_{key}") from None


# Any white space or invisible character: literal, as an entity, or as an HTML line break.
GAP = (
    r"(?:[\s\x00-\x1f\xad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]"
    r"|&(?:nbsp|ensp|emsp|thinsp|shy|tab|newline|#0*(?:9|10|13|32|160|173|8203)|#x0*(?:9|a|d|20|a0|ad|200b));"
    r"|<br\s*/?>)"
)
TAG = re.compile(
    r"(?:\(|&(?:lpar|#0*40|#x0*28);){0}*(?:view{0}*spoiler{0}*{1}{0}*(?P<opens>\[|&(?:lsqb|lbrack|#0*91|#x0*5b);)"
    r"|hide{0}*spoiler{0}*{1}{0}*(?:\]|&(?:rsqb|rbrack|#0*93|#x0*5d);))".format(
        GAP, r"(?:\)|&(?:rpar|#0*41|#x0*29);)"
    ),
    re.IGNORECASE,
)
SPOILER = re.compile("spoiler", re.IGNORECASE)  # found far faster than a tag


def split_spans(text: str) -> tuple[list[tuple[int, str]], list[str]]:
    """Split a text at its spoiler tags; return pairs (flag, span) and the faults.

    The flag is 1 between `(view spoiler)[` and `(hide spoiler)]`. Tags nest: a spoiler ends when as many
    tags have been closed as were opened. A tag that is never closed extends to the end of the text; a
    closing tag without an opening one is ignored. Faults: `nested`, `unclosed` or `unopened`, once for each
    such tag.
    """
    if not SPOILER.search(text):
        return [(0, text)], []
    spans, faults = [], []
    depth = start = 0
    for tag in TAG.finditer(text):
        spans.append((int(depth > 0), text[start : tag.start()]))
        start = tag.end()
        opens = tag["opens"] is not None
        if opens and depth:
            faults.append("nested")
        if not opens and not depth:
            faults.append("unopened")
        depth = depth + 1 if opens else max(depth - 1, 0)
    spans.append((int(depth > 0), text[start:]))
    return spans, faults + ["unclosed"] * depth


# The white space between two sentences. A match may begin only at the first character of a run of white
# space: trying each character would take time quadratic in the length of the run.
CLOSING, OPENING = "['\"\u2019\u201d)\\]]", "['\"\u2018\u201c(\\[]"
BETWEEN = re.compile(
    rf"(?<!\s)\s*\n\s*|(?:(?<=[.!?\u2026])|(?<=[.!?\u2026]{CLOSING})|(?<=[.!?\u2026]{CLOSING}{{2}}))"
    r"(?<!\b[A-HJ-Z]\.)(?<!\b(?:Mr|Ms|Dr|St|Jr|Sr|vs)\.)(?<!\b(?:Mrs|Vol)\.)"
    rf"\s+(?={OPENING}*[A-Z0-9\u00c0-\u00d6\u00d8-\u00de])"
)


def split_sentences(text: str) -> list[str]:
    """Split a text into sentences; strip the white space around them.

    A sentence ends at a line break. It also ends after `.`, `!`, `?` or an ellipsis (and up to two closing
    quotation marks or brackets) if white space and a capital letter or digit follow (perhaps after opening
    quotation marks or brackets). The full stop of an initial (`J.`, but not `I.`) or of a title (`Mr.`,
    `Dr.`, ...) ends no sentence.
    """
    return [sentence for sentence in map(str.strip, BETWEEN.split(text)) if sentence]
