"""What the optimizer study shows."""

from operator import itemgetter

from stages.results.names import NAMES


def optimizer_findings(study: dict) -> list[str]:
    """What the study shows, one sentence a finding."""
    best, shared = study["best"], [entry for entry in study["shared"] if not entry["diverged"]]
    if not best:
        return ["Every run of the study diverged."]
    precision = itemgetter("validation_average_precision")
    ranked = sorted(best, key=precision, reverse=True)
    order = ", then ".join(
        f"{NAMES[entry['optimizer']]} ({precision(entry):.3f} at {entry['learning_rate']:g})"
        for entry in ranked
    )
    findings = [f"By average precision on validation, each at its own best learning rate: first {order}."]
    if shared:
        first = max(shared, key=precision)["optimizer"]
        same = "the same winner as" if first == ranked[0]["optimizer"] else "another winner than"
        findings.append(f"At the one shared rate {NAMES[first]} is ahead: {same} with each at its best rate.")
    fast = [entry for entry in best if "epochs_to_convergence" in entry]
    if fast:
        quickest = min(fast, key=itemgetter("epochs_to_convergence"))
        name, epochs = NAMES[quickest["optimizer"]], quickest["epochs_to_convergence"]
        findings.append(
            f"{name} converges first, after {epochs:g} epochs on average"
            f" (to an average precision of {study['study'][0]['goal']:.3f})."
        )
    slow = [NAMES[entry["optimizer"]] for entry in best if "epochs_to_convergence" not in entry]
    if slow:
        findings.append(f"Not every seed converged within the study's epochs with {', '.join(slow)}.")
    edge = [NAMES[entry["optimizer"]] for entry in best if entry["at_edge_of_grid"]]
    if edge:
        findings.append(
            f"The best rate of {', '.join(edge)} is at the grid's edge: a better one may lie outside."
        )
    if study["study"][0]["diverged_cells"]:
        findings.append(f"{study['study'][0]['diverged_cells']} cells of the grid diverged.")
    return findings
