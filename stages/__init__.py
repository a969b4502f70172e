"""One small script per stage of the pipeline, over the packages that do the work."""

import os

# Matplotlib reads this once, when it is imported. A notebook sets it to its own backend for what it starts.
os.environ["MPLBACKEND"] = "agg"
