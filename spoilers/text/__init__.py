"""Words and vocabulary."""
