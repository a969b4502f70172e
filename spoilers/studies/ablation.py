"""The ablation: the LSTM with one setting changed at a time, judged on validation alone."""

from pathlib import Path

import numpy as np

from spoilers.core.files import write_json
from spoilers.core.params import Params, change, replace
from spoilers.metrics.evaluation import rounded
from spoilers.metrics.scores import average_precision
from spoilers.models.counts import equal_gru_size
from spoilers.models.folder import load as load_model
from spoilers.models.network import Cell
from spoilers.text.reviews import load
from spoilers.training.prepare import Choice
from spoilers.training.seeds import trained

DEFAULT = "default"


def run_change(name: str, settings: Params, splits: Path, output: Path, timings: Path) -> None:
    """Train a network with one change from each seed; write its scores and training times."""
    cell, settings = changed(name, settings)
    optimizer = settings.ablation.optimizer
    rate = getattr(settings.optimizers, optimizer).learning_rate
    choice = Choice(cell, optimizer, rate, settings.seed)
    with trained(choice, settings, splits, f"ablation-{name}") as networks:
        summaries = {str(one.seed): one.description["training"] for one in networks}
        write_json(
            output, {"parameters": networks[0].description["training"]["parameters"], "seeds": summaries}
        )
        write_json(timings, {str(one.seed): round(one.seconds, 2) for one in networks})
    precisions = [summary["validation_average_precision"] for summary in summaries.values()]
    print(f"{name}: validation average precision {np.mean(precisions):.4f}")


def changed(name: str, settings: Params) -> tuple[Cell, Params]:
    """Return the cell that a change trains, and the settings with the change and the ablation's length."""
    ablation = settings.ablation
    changes = dict(ablation.changes[name])
    cell = changes.pop("cell", "lstm")
    length = {"seeds": ablation.seeds, "epochs": ablation.epochs, "patience": ablation.epochs}
    train = replace(settings.train, launcher="python -m", **length)
    settings = change(settings.model_copy(update={"train": train}), changes)
    if cell == "gru_of_equal_size":
        hidden_size = equal_gru_size(settings.model)
        return "gru", change(settings, {"model": {"hidden_size": hidden_size}})
    return cell, settings


def summarize(results: dict[str, dict]) -> list[dict]:
    """Return a row for each change: validation scores, and the same seeds' gains over the default."""
    default = precisions_of(results[DEFAULT])
    rows = []
    for name, result in results.items():
        precisions = precisions_of(result)
        gains = [precisions[seed] - default[seed] for seed in default]
        entry = {
            "average_precision": float(np.mean(list(precisions.values()))),
            "lowest": min(precisions.values()),
            "highest": max(precisions.values()),
            "validation_loss": float(np.mean([run["validation_loss"] for run in result["seeds"].values()])),
            "difference": float(np.mean(gains)),
            "difference_lowest": min(gains),
            "difference_highest": max(gains),
        }
        rows.append(
            {
                "change": name,
                **rounded(entry),
                "seeds": len(gains),
                "parameters": result["parameters"]["cell"],
            }
        )
    return rows


def precisions_of(result: dict) -> dict[str, float]:
    """Return the validation average precision of each seed."""
    return {seed: run["validation_average_precision"] for seed, run in result["seeds"].items()}


def mean_of_seeds(folders: list[Path], validation: Path, device: str) -> dict:
    """Return the validation score of several networks' mean probabilities, and their mean score."""
    scores, probabilities = [], []
    for folder in folders:
        network = load_model(folder, device)
        reviews = load(validation, network.max_tokens)
        probabilities.append(network.probabilities(reviews)[0])
        scores.append(average_precision(reviews.labels, probabilities[-1]))
    together = average_precision(reviews.labels, np.mean(probabilities, axis=0))
    alone = float(np.mean(scores))
    found = {"average_precision": together, "alone": alone, "difference": together - alone}
    return {**rounded(found), "seeds": len(folders)}
