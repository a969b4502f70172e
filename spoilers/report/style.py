"""Path of all figures' style sheet."""

from pathlib import Path

STYLE = Path(__file__).with_name("style.mplstyle")
