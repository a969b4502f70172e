"""Sentences that judge, chosen by rules, so that they stay true after any rerun."""
