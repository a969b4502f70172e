"""Describe the reviews, and the words that tell the classes apart."""
