"""Map tokens to the ids that a model reads."""

import pyarrow as pa

from spoilers.text.vocabulary import Vocabulary


def token_ids(lists: pa.ListArray, vocabulary: Vocabulary) -> pa.ListArray:
    """Return lists of dictionary-encoded tokens as lists of int32 ids."""
    tokens = lists.flatten()
    ids = vocabulary.lookup(tokens.dictionary)[tokens.indices.to_numpy()]
    offsets = lists.offsets.to_numpy()
    return pa.ListArray.from_arrays(pa.array(offsets - offsets[0]), pa.array(ids))
