"""Wall-clock times: measured anew in every run, and kept apart from what repeats."""

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

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
