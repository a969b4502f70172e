"""Render the theory pages from templates, the functions' source code, and computed numbers."""

import inspect
import math
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from spoilers.core.params import Params
from spoilers.models import counts
from spoilers.theory import cells, optimizers, trials
from spoilers.theory.figures import Curves

TEMPLATES = Path(__file__).parent / "pages"
PAGES = ("gru", "optimizers")
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
MEGABYTE = 1e6 / 4  # four-byte numbers


def source(function: object) -> str:
    """Return a function's source as a Markdown code block."""
    return f"```python\n{inspect.getsource(function).rstrip()}\n```"


def number(value: float, digits: int = 3) -> str:
    """Format a number to `digits` significant digits: 12,300, 0.0123, or in scientific notation."""
    if value < 0:
        return "\N{MINUS SIGN}" + number(-value, digits)
    if value == 0 or 1e-4 <= value < 1e6:
        rounded = float(f"{value:.{digits}g}")
        return f"{rounded:,.0f}" if rounded == int(rounded) else f"{rounded:,}"
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    return f"{mantissa} \N{MULTIPLICATION SIGN} 10{str(int(exponent)).translate(SUPERSCRIPTS)}"


def thousands(value: int) -> str:
    """Format an integer with thousands separators."""
    return f"{value:,}"


def sizes(settings: Params, words: int) -> dict:
    """Return parameters, operations and memory, from this project's settings and vocabulary."""
    model = settings.model
    X, H, equal = model.embedding_size, model.hidden_size, counts.equal_gru_size(model)
    return {
        "X": X,
        "H": H,
        "words": words,
        "equal": equal,
        "equal_parameters": counts.recurrent_parameters("gru", model, equal),
        "recurrent": {cell: counts.recurrent_parameters(cell, model, H) for cell in counts.GATES},
        "all": {cell: counts.all_parameters(cell, model, words) for cell in counts.GATES},
        "multiplications": {cell: counts.recurrent_multiplications(cell, model, H) for cell in counts.GATES},
        "kept": {
            "lstm": trials.saved_numbers(cells.LSTM, X, H),
            "gru": trials.saved_numbers(cells.GRU, X, H),
        },
        "embedding": words * X,
        "state_megabytes": state_megabytes(settings, words),
        "reset_difference": trials.reset_difference(X, H),
    }


def state_megabytes(settings: Params, words: int) -> dict[str, float]:
    """Return the size of each optimizer's state for the GRU model, in MB."""
    weights = counts.all_parameters("gru", settings.model, words)
    return {name: numbers * weights / MEGABYTE for name, numbers in counts.MEMORIES.items()}


def comparison() -> dict[str, dict]:
    """Return each optimizer's results on the small problems."""
    ravine, turned, bent = trials.ravine(), trials.ravine(angle=math.pi / 4), trials.rosenbrock()
    return {
        name: {
            "ravine": trials.best_rate(name, ravine),
            "turned": trials.best_rate(name, turned),
            "rosenbrock": trials.best_rate(name, bent),
            "saddle": trials.saddle_steps(name),
            "rare": trials.rare_moves(name),
            "very_rare": trials.rare_moves(name, every=5000, occurrences=3)[1],
            "noise": trials.noise_floor(name),
        }
        for name in trials.OPTIMIZERS
    }


def context(settings: Params, words: int, curves: Curves) -> dict:
    """Return every value that the templates use."""
    return {
        "cells": cells,
        "optimizers": optimizers,
        "settings": settings,
        "size": sizes(settings, words),
        "curves": curves,
        "trials": trials,
        "sigmoid": cells.sigmoid,
        "found": comparison(),
        "wrong_way": {beta2: trials.wrong_way(beta2) for beta2 in (0.99, 0.999, 0.9999)},
        "uncorrected": float(trials.uncorrected_adam_lengths(300).max()),
        "rmsprop_lengths": trials.step_lengths("rmsprop", 300),
    }


def pages(settings: Params, words: int, curves: Curves) -> dict[str, str]:
    """Return the Markdown of each page by its name."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # Markdown, from this project's own files
    )
    environment.filters |= {"number": number, "thousands": thousands, "source": source}
    values = context(settings, words, curves)
    return {name: environment.get_template(f"{name}.md.jinja").render(values) for name in PAGES}
