"""One small script per stage of the pipeline; the packages do the work."""

import gc
import os
import sys

# A stage's imports create hundreds of thousands of objects and hardly any garbage; `run` ends this.
if sys.argv[0] == "-m":  # as long as Python looks for the module to run
    gc.disable()

# Matplotlib reads this once, at its import. A notebook sets it to a backend of its own.
os.environ["MPLBACKEND"] = "agg"
