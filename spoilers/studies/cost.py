"""The reproducible costs of a model: sizes and epochs, but not seconds."""

from pathlib import Path

from spoilers.core.files import read_json


def cost_of_network(folder: Path, device: str) -> dict:
    """Return the cost of the network in a folder; `device` is the kind of device it runs on."""
    description = read_json(folder / "model.json")
    training, parameters = description["training"], description["training"]["parameters"]
    return {
        "hidden_size": description["architecture"]["hidden_size"],
        "cell_parameters": parameters["cell"],
        "embedding_parameters": parameters["embedding"],
        "parameters": parameters["total"],
        "bytes": size(folder),
        "epochs": training["epochs"],
        "best_epoch": training["best_epoch"],
        "device": device,
    }


def cost_of_tfidf(folder: Path) -> dict:
    """Return the cost of TF-IDF with logistic regression: a weight for each feature, and a bias."""
    features = read_json(folder / "model.json")["training"]["features"]
    return {"parameters": features + 1, "bytes": size(folder), "device": "cpu"}


def size(folder: Path) -> int:
    """Return the size of a model's weights in bytes."""
    return (folder / "model.safetensors").stat().st_size
