"""Tables as text."""

import csv
import io


def to_csv(rows: list[dict]) -> str:
    """Format rows with equal keys as CSV with a header, floats to six significant digits."""
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()})
    return text.getvalue()
