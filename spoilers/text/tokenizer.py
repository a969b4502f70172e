r"""Words, numbers and punctuation marks, by Arrow kernels over whole batches.

A text is first cut at its white space: the characters of Unicode's class Zs and of the bidirectional
classes WS, B and S, as for `str.split`. What lies between is cut, from left to right, into tokens, each
the first of these that fits, as long as it gets:

1. `<url>`, `<spoil>`: `<`, letters a to z, `>`, which is what cleaning puts in place of something,
2. a web address: `http://`, `https://` or `www.` and all that follows up to the white space,
3. letters and marks (classes L and M), with single apostrophes (' or U+2019) inside: `don't`,
4. numbers (class N), with single points and commas inside: `1,000.5`,
5. any other single character.

Lower case, when asked for, comes first, character by character, so that no character becomes two.
Classes and lower case are those of the Unicode tables inside Arrow, whatever Python's are.
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
    """Cut each text into tokens: an array of strings to an array of lists of dictionary-encoded strings."""
    # At ASCII's white space first, which is fast. Most chunks are words met before, so only the different
    # ones are looked into.
    chunks = pc.ascii_split_whitespace(texts)
    encoded = chunks.flatten().dictionary_encode()
    tokens_of = tokenize_chunks(encoded.dictionary, lowercase)
    words = tokens_of.flatten().dictionary_encode()
    ids_of = pa.ListArray.from_arrays(tokens_of.offsets, words.indices)
    ids = ids_of.take(encoded.indices)
    tokens = pa.DictionaryArray.from_arrays(ids.flatten(), words.dictionary)
    return pa.ListArray.from_arrays(ids.offsets.take(chunks.offsets), tokens)


def tokenize_chunks(chunks: pa.Array, lowercase: bool) -> pa.ListArray:
    """Cut texts without ASCII's white space into tokens."""
    if lowercase:
        chunks = pc.utf8_lower(chunks)
    # Trimmed, since Arrow's kernel now and then overlooks white space at the end of the last text.
    pieces = pc.utf8_split_whitespace(pc.utf8_rtrim_whitespace(chunks))
    texts = pieces.flatten()
    mixed = pc.invert(pc.ascii_is_alpha(texts))  # the others are a word each
    cut = pc.utf8_rtrim(pc.replace_substring_regex(texts.filter(mixed), TOKEN, r"\0 "), " ")
    tokens = pc.split_pattern(pc.replace_with_mask(texts, mixed, cut), " ")
    # Splitting nothing gives one empty string; no token is empty.
    tokens = pc.if_else(pc.equal(texts, ""), pa.scalar([], tokens.type), tokens)
    return pa.ListArray.from_arrays(tokens.offsets.take(pieces.offsets), tokens.flatten())
