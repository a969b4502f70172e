"""Pages of measurements: each table between markers of its own, prose around them."""

from pathlib import Path

README = Path(__file__).with_name("README.md")


def put(
    heading: str, begin: str, end: str, table: str, path: Path = README, title: str = "# Benchmarks\n"
) -> None:
    """Put a table between its markers, which are added at the end of the page where it has none."""
    text = path.read_text(encoding="utf-8") if path.exists() else title
    if begin not in text:
        text += f"\n{heading}\n\n{begin}\n{end}\n"
    before, rest = text.split(begin)
    path.write_text(f"{before}{begin}\n{table}{end}{rest.split(end)[1]}", encoding="utf-8")
