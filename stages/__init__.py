"""One small script per stage of the pipeline; the packages do the work."""

import os

# Matplotlib reads this once, at its import. A notebook sets it to a backend of its own.
os.environ["MPLBACKEND"] = "agg"
