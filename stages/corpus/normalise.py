"""Text as a reader would have seen it: no entities, tags, addresses, control characters or stray space."""

import html

import pyarrow as pa
import pyarrow.compute as pc

# A text that matches none of this is already clean; most are, and skip the rest.
SUSPECT = r"[&<\[\]\x00-\x1f\x7f\x{80}-\x{a0}\x{200b}-\x{200f}\x{2028}-\x{202e}\x{feff}]|  |^ | $|://|[wW]{3}\.|spoiler\)"
REPLACEMENTS = (
    (r"\((?:view|hide) spoiler\)", " "),  # marks that would give the label away
    (r"</?[a-zA-Z][^<>]*>", " "),  # HTML tags
    (r"\[/?(?:b|i|u|s|url|img|spoiler|quote|book|author)(?:[:=|][^\[\]]*)?\]", " "),  # Goodreads' own markup
    (r"(?i)\b(?:https?|ftp)://\S+|\bwww\.\S+", "<url>"),
    (r"[\x00-\x1f\x7f\x{80}-\x{a0}\x{200b}-\x{200f}\x{2028}-\x{202e}\x{feff}]", " "),
    (r" {2,}", " "),
    (r"^ | $", ""),
)
SPOILER_WORD = r"(?i)\bspoil\w*"


def normalise(texts: pa.Array) -> pa.Array:
    """Clean each text; an array of the same length, with empty strings where nothing was left."""
    suspect = pc.match_substring_regex(texts, SUSPECT)
    dirty = texts.filter(suspect)
    if len(dirty) == 0:
        return texts
    dirty = unescape(dirty)
    for pattern, replacement in REPLACEMENTS:
        dirty = pc.replace_substring_regex(dirty, pattern, replacement)
    return pc.replace_with_mask(texts, suspect, dirty)


def unescape(texts: pa.Array) -> pa.Array:
    """Replace HTML entities (`&amp;`), which Arrow has no kernel for, where there are any."""
    has_entity = pc.match_substring_regex(texts, r"&#?\w+;")
    entities = texts.filter(has_entity)
    plain = pa.array([html.unescape(text) for text in entities.to_pylist()], pa.string())
    return pc.replace_with_mask(texts, has_entity, plain)


def mask_spoiler_word(texts: pa.Array) -> pa.Array:
    """Replace `spoiler`, `spoils`, `spoiled`, ... by one token, `<spoil>`."""
    return pc.replace_substring_regex(texts, SPOILER_WORD, "<spoil>")
