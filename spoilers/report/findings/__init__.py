"""The report's text: handwritten templates, in which every claim comes with its condition."""
