"""What the optimizer study shows: a discussion in which every sentence is chosen by the numbers.

The literature that it is held against is discussed, with references, on the theory's page of the
optimizers.
"""

import math
from operator import itemgetter

from scipy.stats import chi2

from spoilers.report.names import LAYERS, NAMES

ADAPTIVE, PLAIN = {"rmsprop", "adam"}, {"sgd", "momentum"}

precision = itemgetter("validation_average_precision")
tested = itemgetter("test_average_precision")


def optimizer_discussion(study: dict, seeds: int) -> dict[str, list[str]]:
    """Sentences by topic; `study` is data/results/sweep.json."""
    if not study["best"]:
        return {"The answer": ["Every run of the study diverged: lower the learning rates."]}
    return {
        "The answer": answer(study),
        "Convergence speed": convergence(study),
        "Final accuracy": accuracy(study, seeds),
        "Efficiency": efficiency(study),
        "Stability": stability(study),
        "Learning-rate adjustment": adjustment(study),
        "Trade-offs": trade_offs(study),
    }


def answer(study: dict) -> list[str]:
    """Who is ahead, at one rate for all and each at its best."""
    ranked = sorted(study["best"], key=precision, reverse=True)
    order = ", then ".join(
        f"{called(entry)} ({precision(entry):.3f} at {entry['learning_rate']:g})" for entry in ranked
    )
    sentences = [f"By average precision on validation, each at its best learning rate: first {order}."]
    shared = [entry for entry in study["shared"] if not entry["diverged"]]
    rate = f"{study['shared'][0]['learning_rate']:g}"
    if shared:
        first = max(shared, key=precision)
        same = first["optimizer"] == ranked[0]["optimizer"]
        sentences.append(
            f"At the one rate {rate} for all, {called(first)} is ahead ({precision(first):.3f}):"
            f" {'the same winner as' if same else 'another winner than'} with each at its best rate."
        )
    else:
        sentences.append(f"At the one rate {rate} for all, every optimizer diverged.")
    return sentences


def convergence(study: dict) -> list[str]:
    goal = study["study"]["goal"]
    sentences = [
        "An optimizer has converged at the first evaluation where the median of its seeds is"
        f" {goal:.3f}: 95 % of the way from chance to the best median of the study."
    ]
    fast = sorted(
        (entry for entry in study["best"] if "epochs_to_convergence" in entry),
        key=itemgetter("epochs_to_convergence"),
    )
    if fast:
        times = listed(f"{called(entry)} {entry['epochs_to_convergence']:g}" for entry in fast)
        sentences.append(f"Epochs that took, each at its best rate: {times}.")
    slow = [called(entry) for entry in study["best"] if "epochs_to_convergence" not in entry]
    if slow:
        sentences.append(f"Within the study's epochs, never: {listed(slow)}.")
    lowest = min(study["best"], key=itemgetter("train_loss"))
    ahead = f"The training loss falls furthest with {called(lowest)}, to {lowest['train_loss']:.3f}"
    if not both_kinds(study):
        return [*sentences, f"{ahead}."]
    if lowest["optimizer"] in ADAPTIVE:
        return [*sentences, f"{ahead}: adaptive methods lead early, as in Wilson et al. (2017)."]
    return [*sentences, f"{ahead}: unlike in Wilson et al. (2017), where adaptive methods lead early."]


def accuracy(study: dict, seeds: int) -> list[str]:
    ranked = sorted(study["best"], key=tested, reverse=True)
    scores = listed(f"{called(entry)} {tested(entry):.3f}" for entry in ranked)
    sentences = [f"Average precision on test, each at its best rate: {scores}."]
    shown = [pair for pair in study["differences"] if pair["shown"]]
    if shown:
        found = listed(
            f"{NAMES[pair['first']]} over {NAMES[pair['second']]}"
            f" ({pair['average_precision']:+.3f}, interval {pair['low']:+.3f} to {pair['high']:+.3f})"
            for pair in shown
        )
        sentences.append(f"After Holm's correction these differences are shown: {found}.")
    elif study["differences"]:
        books = study["study"]["test_books"]
        sentences.append(f"After Holm's correction no difference is shown by the {books} test books.")
    if both_kinds(study):
        sentences.append(generalisation(study["best"], shown))
    if len(ranked) > 1:
        sentences += [dominance(ranked, shown), chance(ranked, seeds)]
    return sentences


def generalisation(best: list[dict], shown: list[dict]) -> str:
    """Whether adaptive methods end better or worse on test: Wilson et al. against Choi et al."""
    adaptive = any(pair["first"] in ADAPTIVE and pair["second"] in PLAIN for pair in shown)
    plain = any(pair["first"] in PLAIN and pair["second"] in ADAPTIVE for pair in shown)
    if adaptive and plain:
        return (
            "Adaptive methods are ahead in one pair and behind in another: Wilson et al. (2017) and"
            " Choi et al. (2019) each describe a part of this."
        )
    if adaptive:
        late = all("epochs_to_convergence" not in entry for entry in best if entry["optimizer"] in PLAIN)
        return (
            "An adaptive method is ahead of a plain one: against Wilson et al. (2017), who found worse test"
            " scores with adaptive methods, and with Choi et al. (2019), who found Adam never worse once each"
            " was tuned" + (", though no plain method had converged when the study ended." if late else ".")
        )
    if plain:
        return (
            "A plain method is ahead of an adaptive one: with Wilson et al. (2017), and against Choi et al."
            " (2019), unless a wider search, of more than the rate, would close the gap."
        )
    return (
        "Neither kind, adaptive or plain, is shown ahead of the other: the worse test scores that Wilson et"
        " al. (2017) found with adaptive methods are not seen, as Choi et al. (2019) would expect, nor ruled"
        " out."
    )


def dominance(ranked: list[dict], shown: list[dict]) -> str:
    """Whether one is ahead of all: Schmidt et al."""
    first = ranked[0]["optimizer"]
    beaten = {pair["second"] for pair in shown if pair["first"] == first}
    if len(beaten) == len(ranked) - 1:
        return (
            f"{NAMES[first]} is shown ahead of all others on this one task; over many tasks, Schmidt et al."
            " (2021) found no optimizer that dominates."
        )
    return f"{NAMES[first]} is not shown ahead of all others: as in Schmidt et al. (2021), none dominates."


def chance(ranked: list[dict], seeds: int) -> str:
    """What this many seeds can show: Reimers and Gurevych (2017b)."""
    if seeds == 1:
        return (
            "There is one seed, so that nothing is known of what another would have changed; Reimers and"
            " Gurevych (2017b) found that two seeds of one network can differ enough to pass for a finding."
        )
    gap = tested(ranked[0]) - tested(ranked[1])
    spread = max(ranked[:2], key=itemgetter("test_average_precision_sd"))["test_average_precision_sd"]
    low, high = (math.sqrt((seeds - 1) / chi2.ppf(tail, seeds - 1)) for tail in (0.975, 0.025))
    relation = "more" if gap > spread else "no more"
    return (
        f"The first two differ by {gap:.3f}, {relation} than the seeds of one of them (sd {spread:.3f})."
        f" {seeds} seeds show such a spread only roughly, the true one being {low:.1f} to {high:.1f} times as"
        " large (95 %): a gap far beyond it can be believed, an order of close scores cannot (Reimers and"
        " Gurevych, 2017b)."
    )


def efficiency(study: dict) -> list[str]:
    best = study["best"]
    state = listed(f"{called(entry)} {entry['state_bytes_per_parameter']:g}" for entry in best)
    sentences = [
        f"All saw the same {best[0]['reviews_seen']:,} reviews in the same batches; what differs is the cost"
        f" of a step, in the picture of seconds above, and the state kept, in bytes per weight: {state}."
    ]
    shared = [precision(entry) for entry in study["shared"] if not entry["diverged"]]
    if not shared or len(best) < 2:
        return sentences
    tuned = [precision(entry) for entry in best]
    typical = sum(tuned) / len(tuned)
    numbers = (
        f"the best optimizer at the one shared rate reaches {max(shared):.3f}, an optimizer picked blindly"
        f" and tuned over {study['study']['rates']} rates {typical:.3f} on average"
    )
    as_well = max(shared) >= typical
    relation, agrees = ("as well as", "as") if as_well else ("worse than", "unlike")
    return [
        *sentences,
        f"Trying several optimizers without tuning does {relation} tuning one, {agrees} in Schmidt et al."
        f" (2021): {numbers}.",
    ]


def stability(study: dict) -> list[str]:
    best, found = study["best"], study["study"]
    works = listed(f"{called(entry)} {entry['rates_that_work']}" for entry in best)
    sentences = [
        f"Of {found['rates']} rates, these many work (half of the way from chance to the best,"
        f" {found['works']:.3f} on average): {works}."
    ]
    if found["diverged_cells"]:
        by_name = [f"{called(e)} {e['rates_diverged']}" for e in best if e["rates_diverged"]]
        sentences.append(
            f"{found['diverged_cells']} of {found['cells']} cells diverged:"
            f" {listed(by_name + lost_everywhere(study))}."
        )
    else:
        sentences.append("No cell diverged.")
    widest = max(entry["range_over_rates"] for entry in best)
    between = max(map(precision, best)) - min(map(precision, best))
    if len(best) > 1:
        more = widest > between
        relation = "more" if more else "less"
        agrees = "as in" if more else "unlike in"
        sentences.append(
            f"The rate matters {relation} than the optimizer, {agrees} Greff et al. (2017): over the rates"
            f" the score of one optimizer varies by up to {widest:.3f}, between the optimizers at their best"
            f" by {between:.3f} (a diverged rate counts as chance)."
        )
    if len(best) > 1 and any(entry["optimizer"] == "sgd" for entry in best):
        sentences.append(sensitive_sgd(best))
    rises = listed(f"{called(entry)} {entry['validation_loss_rose']:.0%}" for entry in best)
    clipped = listed(f"{called(entry)} {entry['clipped']:.0%}" for entry in best)
    sentences.append(
        f"Share of evaluations at which the validation loss rose: {rises}; of steps that were clipped:"
        f" {clipped}."
    )
    return sentences


def sensitive_sgd(best: list[dict]) -> str:
    """Reimers and Gurevych (2017a) on SGD."""
    counts = {entry["optimizer"]: entry["rates_that_work"] for entry in best}
    others = max(count for name, count in counts.items() if name != "sgd")
    if counts["sgd"] < others:
        return (
            "SGD works at fewer rates than the most tolerant: Reimers and Gurevych (2017a) too found it"
            " sensitive to the rate, and adaptive methods more stable."
        )
    return (
        "SGD works at as many rates as any other: unlike in Reimers and Gurevych (2017a), who found it"
        " sensitive to the rate."
    )


def adjustment(study: dict) -> list[str]:
    """Effective steps by layer: what the adaptive methods make of their rate."""
    best = study["best"]
    sentences = []
    for entry in best:
        steps = {layer: entry[f"effective_step_{layer}"] for layer in LAYERS}
        largest, smallest = max(steps, key=steps.get), min(steps, key=steps.get)
        ratio = steps[largest] / max(steps[smallest], 1e-12)
        if ratio < 2:
            sentences.append(
                f"{called(entry)} moves all layers by about the same multiple of their gradient,"
                f" {number(sum(steps.values()) / len(steps))} at the rate {entry['learning_rate']:g}."
            )
        else:
            sentences.append(
                f"{called(entry)} moves the {largest} weights by {number(steps[largest])} times their"
                f" gradient and the {smallest} weights by {number(steps[smallest])} times, at one and the"
                f" same rate {entry['learning_rate']:g}: a factor of {number(ratio)} between layers."
            )
    moved = listed(f"{called(entry)} {number(100 * entry['update_ratio_embedding'])} %" for entry in best)
    sentences.append(f"A step changes the embedding by this share of its size: {moved}.")
    rates = [entry["learning_rate"] for entry in best]
    if len(best) > 1:
        apart = max(rates) / min(rates)
        sentences.append(
            f"The best rates differ by a factor of {apart:g}: one rate for all compares rates."
            if apart > 1
            else "All have the same best rate, so that one rate for all is a fair comparison here."
        )
    edge = [called(entry) for entry in best if entry["at_edge_of_grid"]]
    if edge:
        sentences.append(
            f"At the grid's edge is the best rate of {listed(edge)}: a better one may lie outside."
        )
    return sentences


def trade_offs(study: dict) -> list[str]:
    """The cheapest and the most tolerant of those that are not shown worse than the first."""
    best = study["best"]
    first = max(best, key=tested)
    shown = [pair for pair in study["differences"] if pair["shown"]]
    worse = {pair["second"] for pair in shown if pair["first"] == first["optimizer"]}
    rivals = [entry for entry in best if entry["optimizer"] not in worse]
    if len(rivals) == 1:
        return [
            f"{called(first)} is the choice: no other comes as near on test; it keeps"
            f" {first['state_bytes_per_parameter']:g} bytes of state per weight and works at"
            f" {first['rates_that_work']} of the rates."
        ]
    least = min(entry["state_bytes_per_parameter"] for entry in rivals)
    most = max(entry["rates_that_work"] for entry in rivals)
    cheapest = listed(called(entry) for entry in rivals if entry["state_bytes_per_parameter"] == least)
    tolerant = listed(called(entry) for entry in rivals if entry["rates_that_work"] == most)
    return [
        f"Not told apart on test from the first, {called(first)}:"
        f" {listed(called(entry) for entry in rivals if entry is not first)}.",
        f"Of them all, the least state ({least:g} bytes per weight) is kept by {cheapest}; the most rates"
        f" ({most}) work with {tolerant}.",
    ]


def number(value: float) -> str:
    """Two significant digits, without an exponent."""
    return f"{float(f'{value:.2g}'):,.6g}" if 1e-4 <= value < 1e6 else f"{value:.2g}"


def called(entry: dict) -> str:
    return NAMES[entry["optimizer"]]


def listed(items) -> str:
    """`a, b and c`; where an item holds a comma, semicolons divide."""
    items = list(items)
    divider = "; " if any("," in item for item in items) else ", "
    if divider == "; " or len(items) < 2:
        return divider.join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def both_kinds(study: dict) -> bool:
    names = {entry["optimizer"] for entry in study["best"]}
    return bool(names & ADAPTIVE and names & PLAIN)


def lost_everywhere(study: dict) -> list[str]:
    """Optimizers that diverged at every rate."""
    there = {entry["optimizer"] for entry in study["best"]}
    return [f"{called(entry)} all" for entry in study["shared"] if entry["optimizer"] not in there]
