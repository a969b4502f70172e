"""Figures need no screen and no notebook, whatever the environment asks of Matplotlib."""

import os
import subprocess
import sys

from tests import ROOT


def test_stages_draw_with_agg_in_a_notebook() -> None:
    """Ignore the backend that a notebook passes on, which may not be installed here."""
    code = "import stages.plot, matplotlib; print(matplotlib.get_backend())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | {"MPLBACKEND": "module://matplotlib_inline.backend_inline"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip().lower() == "agg", done.stderr
