"""Settings, errors, atomic files and parallel maps: code that does not affect results."""
