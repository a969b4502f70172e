"""Where the style of all figures is."""

from pathlib import Path

STYLE = Path(__file__).with_name("style.mplstyle")
