"""Predict whether a book review contains a spoiler."""
