"""Map keys to numbers that never change."""

from functools import lru_cache
from hashlib import blake2b


@lru_cache(1 << 16)
def hash_share(key: str, salt: bytes, person: bytes) -> float:
    """Return a number in [0, 1), uniform over keys, that depends on the arguments alone.

    `salt` and `person` (at most 16 bytes each) are BLAKE2b's; other values give unrelated numbers.
    """
    digest = blake2b(key.encode(), digest_size=8, salt=salt, person=person).digest()
    return int.from_bytes(digest) / 2**64
