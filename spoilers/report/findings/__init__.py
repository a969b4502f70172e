"""The report's text: templates written by hand, in which every claim stands beside its condition."""
