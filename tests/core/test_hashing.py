"""Splits and samples of books depend on these numbers: a change would silently move books."""

import numpy as np

from spoilers.core.hashing import hash_share


def test_numbers_are_those_of_blake2b_and_never_change():
    assert hash_share("book", b"", b"fraction") == 0.965112100431233
    assert hash_share("book", b"13", b"") == 0.4326822218210483


def test_numbers_are_uniform():
    numbers = np.array([hash_share(str(key), b"13", b"") for key in range(10_000)])
    assert numbers.min() >= 0 and numbers.max() < 1
    shares = np.histogram(numbers, bins=10, range=(0, 1))[0] / len(numbers)
    assert np.abs(shares - 0.1).max() < 0.015
