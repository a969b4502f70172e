"""Scores, intervals, figures and the report."""
