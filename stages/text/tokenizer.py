r"""Words, numbers and punctuation marks, by Arrow kernels over whole batches.

A token is the longest match of the first that fits of:

1. `<url>`, `<spoil>`: what cleaning put in place of an address or a masked word,
2. a web address,
3. letters (with their accents), with apostrophes inside: `don't`,
4. digits, with points and commas inside: `1,000.5`,
5. any other single character that is not white space.
"""

import pyarrow as pa
import pyarrow.compute as pc

TOKEN = (
    r"<[a-z]+>|https?://\S+|www\.\S+"
    r"|[\p{L}\p{M}]+(?:['\x{2019}][\p{L}\p{M}]+)*"
    r"|\p{N}+(?:[.,]\p{N}+)*"
    r"|[^\s\p{L}\p{M}\p{N}]"
)


def tokenize(texts: pa.Array, lowercase: bool) -> pa.ListArray:
    """Split each text into tokens: an array of strings to an array of lists of strings."""
    if lowercase:
        texts = pc.utf8_lower(texts)
    spaced = pc.utf8_trim_whitespace(pc.replace_substring_regex(texts, TOKEN, r"\0 "))
    lists = pc.utf8_split_whitespace(spaced)
    if pc.min(pc.binary_length(texts)).as_py() == 0 or pc.any(pc.equal(spaced, "")).as_py():
        # Splitting nothing gives one empty string; no token is empty.
        empty = pc.equal(spaced, "")
        lists = pc.if_else(empty, pa.scalar([], lists.type), lists)
    return lists
