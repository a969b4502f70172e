"""Tokens, vocabulary, splits, and encoded reviews as flat arrays."""
