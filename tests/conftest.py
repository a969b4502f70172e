"""Set up every test: one thread per process, so that tests can run in parallel."""

import os
import sys

from hypothesis import settings

# Before anything imports NumPy or PyTorch, which read these once; the commands that tests start inherit them.
for library in ("OMP", "MKL", "OPENBLAS"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

# Tests start many processes, which should not compile the same modules again and again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A loaded machine must not fail a test: no example has a time limit.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")
