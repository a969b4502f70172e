"""What the gates of the trained models do over one review."""

from spoilers.report.names import NAMES


def gate_findings(gates: list[dict]) -> list[str]:
    """For each gate that holds a memory: how long, and whether training has made that longer."""
    findings = []
    for row in gates:
        if "median_half_life" not in row:
            continue
        now, start, longest = (
            row[key] for key in ("median_half_life", "half_life_at_start", "longest_half_life")
        )
        change = (
            "more than" if now > 1.5 * start else "less than" if now < start / 1.5 else "about as much as"
        )
        findings.append(
            f"{NAMES[row['model']]}: by the {row['gate']} gate alone, half of the units lose half of their"
            f" memory within {now:.1f} tokens, and the last of them after {longest:.1f}. Before training it"
            f" is {start:.1f} for all: the trained units keep {change} the untrained ones."
        )
    return findings
