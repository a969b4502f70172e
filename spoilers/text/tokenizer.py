r"""Cut texts into words, numbers and punctuation marks, with Arrow kernels over whole batches.

A text is first cut at its white space: the characters of Unicode's class Zs and of the bidirectional
classes WS, B and S, as for `str.split`. Each piece is then cut, from left to right, into tokens. A token
is the longest match of the first of these that matches:

1. a placeholder that cleaning inserts, such as `<url>` or `<spoil>`: `<`, letters a to z, `>`,
2. a web address: `http://`, `https://` or `www.` and all that follows up to the white space,
3. letters and marks (classes L and M), with single apostrophes (' or U+2019) inside: `don't`,
4. numbers (class N), with single points and commas inside: `1,000.5`,
5. any other single character.

Lowercasing, if requested, comes first; it maps each character to one character.
Character classes and lower case are those of Arrow's Unicode tables, not of Python's.
"""

import pyarrow as pa
import pyarrow.compute as pc

TOKEN = (
    r"<[a-z]+>"
    r"|(?:https?://|www\.).+"
    r"|[\p{L}\p{M}]+(?:['\x{2019}][\p{L}\p{M}]+)*"
    r"|\p{N}+(?:[.,]\p{N}+)*"
    r"|[^\p{L}\p{M}\p{N}]"
)


def tokenize(texts: pa.Array, lowercase: bool) -> pa.ListArray:
    """Cut each text into tokens; return one list of dictionary-encoded strings per text."""
    # Splitting at ASCII white space is fast. Most pieces occur many times, so each distinct one is
    # tokenized once.
    chunks = pc.ascii_split_whitespace(texts)
    encoded = chunks.flatten().dictionary_encode()
    tokens_of = tokenize_chunks(encoded.dictionary, lowercase)
    words = tokens_of.flatten().dictionary_encode()
    ids_of = pa.ListArray.from_arrays(tokens_of.offsets, words.indices)
    ids = ids_of.take(encoded.indices)
    tokens = pa.DictionaryArray.from_arrays(ids.flatten(), words.dictionary)
    return pa.ListArray.from_arrays(ids.offsets.take(chunks.offsets), tokens)


def tokenize_chunks(chunks: pa.Array, lowercase: bool) -> pa.ListArray:
    """Cut texts without ASCII white space into tokens."""
    if lowercase:
        chunks = pc.utf8_lower(chunks)
    # Trim first: Arrow's kernel sometimes misses white space at the end of the last text.
    pieces = pc.utf8_split_whitespace(pc.utf8_rtrim_whitespace(chunks))
    texts = pieces.flatten()
    mixed = pc.invert(pc.ascii_is_alpha(texts))  # any other text is a single word
    cut = pc.utf8_rtrim(pc.replace_substring_regex(texts.filter(mixed), TOKEN, r"\0 "), " ")
    tokens = pc.split_pattern(pc.replace_with_mask(texts, mixed, cut), " ")
    # Splitting an empty text gives one empty string, but no token may be empty.
    tokens = pc.if_else(pc.equal(texts, ""), pa.scalar([], tokens.type), tokens)
    return pa.ListArray.from_arrays(tokens.offsets.take(pieces.offsets), tokens.flatten())
