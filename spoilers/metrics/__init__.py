"""Scores, thresholds and bootstrap intervals."""
