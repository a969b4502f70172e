"""Update pages of measurements, in which each table has its own markers."""

from pathlib import Path

README = Path(__file__).with_name("README.md")


def put(
    heading: str, begin: str, end: str, table: str, path: Path = README, title: str = "# Benchmarks\n"
) -> None:
    """Put a table between its markers, adding them at the end of the page if they are missing."""
    text = path.read_text(encoding="utf-8") if path.exists() else title
    if begin not in text:
        text += f"\n{heading}\n\n{begin}\n{end}\n"
    before, rest = text.split(begin)
    path.write_text(f"{before}{begin}\n{table}{end}{rest.split(end)[1]}", encoding="utf-8")
