"""Settings, errors, atomic files and parallel maps: code that decides nothing about a result."""
