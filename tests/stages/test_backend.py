"""Figures need no screen and no notebook, whatever the environment asks of Matplotlib."""

import os
import subprocess
import sys

import pytest

from tests import ROOT


@pytest.mark.parametrize("stage", ["plot", "theory"])
def test_a_stage_draws_with_agg_in_a_notebook(stage: str) -> None:
    """Ignore the backend that a notebook passes on, which may not be installed here."""
    code = f"import stages.{stage}, matplotlib; print(matplotlib.get_backend())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | {"MPLBACKEND": "module://matplotlib_inline.backend_inline"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip().lower() == "agg", done.stderr
