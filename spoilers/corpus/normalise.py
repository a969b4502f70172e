"""Normalise texts: remove HTML entities, tags, web addresses, control characters and extra white space."""

import html
import re
from collections.abc import Sequence
from itertools import chain

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

INVISIBLE = r"\x{ad}\x{200b}-\x{200f}\x{202a}-\x{202e}\x{2060}-\x{2064}\x{feff}"
BLANK = r"\x00-\x1f\x7f-\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}"
# A text that does not match this is clean already. Most are, and skip the replacements.
SUSPECT = rf"[&<\[\]{INVISIBLE}{BLANK}]|  |^ | $|://|[wW]{{3}}\.|(?i:(?:view|hide) ?spoiler ?\))"
REPLACEMENTS = (
    (f"[{INVISIBLE}]", ""),
    (f"[{BLANK}]", " "),
    (r"</?[a-zA-Z][^<>]*>", " "),  # HTML
    # These tags would give the label away.
    (r"(?i)\( *view *spoiler *\) *\[?|\( *hide *spoiler *\) *\]?", " "),
    (r"\[(?:b|bc|a|book|author):([^|\[\]]*)\|[^\[\]]*\]", r"\1"),  # Goodreads' links: [b:Title|number|...]
    (r"\[/?(?:b|i|u|s|url|img|spoiler|quote|book|author)(?:[:=|][^\[\]]*)?\]", " "),
    (r"""(?i)\b(?:(?:https?|ftp)://|www\.)[^ ]*[^ .,;:!?'")\]]""", "<url>"),
    (r" {2,}", " "),
    (r"^ | $", ""),
)
ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
SPOILER_WORD = r"(?i)\bspoil\w*"


def clean_reviews(reviews: Sequence[Sequence[str]], mask: bool) -> tuple[pa.ListArray, np.ndarray]:
    """Clean reviews given as lists of sentences, and leave out sentences that become empty.

    Return lists of sentences, one per review and perhaps empty, and a mask of the kept sentences,
    bool (sentences).
    """
    texts = clean_texts(pa.array(list(chain.from_iterable(reviews)), pa.string()), mask)
    kept = pc.not_equal(texts, "").to_numpy(zero_copy_only=False)
    offsets = np.append(0, np.cumsum(kept))[np.cumsum([0, *map(len, reviews)])]
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), texts.filter(pa.array(kept))), kept


def clean_texts(texts: pa.Array, mask: bool) -> pa.Array:
    """Return the texts as a model reads them: normalised and, with `mask`, without the word `spoiler`."""
    texts = normalise(texts)
    return mask_spoiler_word(texts) if mask else texts


def normalise(texts: pa.Array) -> pa.Array:
    """Normalise each text; return an array of the same length, with empty strings where nothing is left."""
    suspect = pc.match_substring_regex(texts, SUSPECT)
    dirty = texts.filter(suspect)
    if len(dirty) == 0:
        return texts
    dirty = unescape(dirty)
    for pattern, replacement in REPLACEMENTS:
        dirty = pc.replace_substring_regex(dirty, pattern, replacement)
    return pc.replace_with_mask(texts, suspect, dirty)


def unescape(texts: pa.Array) -> pa.Array:
    """Replace HTML entities such as `&amp;`. Arrow has no kernel for this, so Python does it where needed."""
    has_entity = pc.match_substring_regex(texts, ENTITY.pattern)
    entities = texts.filter(has_entity).to_pylist()
    plain = [ENTITY.sub(lambda entity: html.unescape(entity.group()), text) for text in entities]
    return pc.replace_with_mask(texts, has_entity, pa.array(plain, pa.string()))


def mask_spoiler_word(texts: pa.Array) -> pa.Array:
    """Replace `spoiler`, `spoils`, `spoiled`, ... with the token `<spoil>`."""
    return pc.replace_substring_regex(texts, SPOILER_WORD, "<spoil>")
