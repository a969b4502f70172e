"""Wall-clock times: measured anew in every run, and kept apart from what repeats."""

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from stages.results.figures.drawing import MODEL_COLOURS, OPTIMIZER_COLOURS
from stages.results.names import NAMES


def wall_clock(trainings: dict[str, dict], study: list[dict]) -> Figure:
    figure, (models, steps) = plt.subplots(1, 2, figsize=(9, 2.6))
    names = list(trainings)[::-1]
    seconds = [trainings[name]["training_seconds"] for name in names]
    bars = models.barh([NAMES[n] for n in names], seconds, color=[MODEL_COLOURS[n] for n in names])
    models.bar_label(bars, [f"{s:.0f} s" for s in seconds], padding=3)
    models.set(title="Training time on this machine", xlabel="seconds")
    names = [entry["optimizer"] for entry in study][::-1]
    milliseconds = [entry["milliseconds_per_step"] for entry in study][::-1]
    bars = steps.barh([NAMES[n] for n in names], milliseconds, color=[OPTIMIZER_COLOURS[n] for n in names])
    steps.bar_label(bars, [f"{m:.1f} ms" for m in milliseconds], padding=3)
    steps.set(title="Time of one step in the optimizer study", xlabel="milliseconds")
    for axes in (models, steps):
        axes.grid(axis="y", visible=False)
        axes.margins(x=0.15)
    return figure


def quality_and_cost(
    scores: dict[str, dict], trainings: dict[str, float], inference: dict[str, float]
) -> Figure:
    """Average precision with its interval against training time and against speed, both on this machine."""
    figure, (training, reading) = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True)
    for axes, costs, unit in ((training, trainings, " s"), (reading, inference, "/s")):
        for i, (name, cost) in enumerate(costs.items()):
            middle = scores[name]["average_precision"]
            sides = [[max(middle - scores[name]["low"], 0)], [max(scores[name]["high"] - middle, 0)]]
            axes.errorbar(cost, middle, yerr=sides, fmt="o", color=MODEL_COLOURS[name], label=NAMES[name])
            label = f"{cost:,.0f}" if cost > 10 else f"{cost:.1f}"
            place = (5, -10 if i % 2 else 10)
            axes.annotate(label + unit, (cost, middle), place, textcoords="offset points", va="center")
        axes.set(xscale="log")
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.margins(x=0.25)
    training.set(title="Quality against training time", xlabel="seconds of training")
    training.set(ylabel="average precision on test")
    reading.set(title="Quality against speed", xlabel="tokens read per second")
    figure.legend(*training.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure
