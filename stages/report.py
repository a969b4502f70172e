"""Writes the report: reports/metrics, reports/figures -> reports/report.md, reports/report.html."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import yaml

from spoilers.core import params
from spoilers.core.errors import run
from spoilers.core.files import read_json, write_text
from spoilers.report.markdown import render_markdown
from spoilers.report.page.page import render_html

METRICS = Path("reports/metrics")
CURVES = Path("reports/curves")
MODELS = Path("data/models")
LINKED = ("timings/",)  # wall-clock figures stay outside, so that the page repeats byte for byte
CELLS = ("lstm", "gru")


def main() -> None:
    settings = params.load()
    split = read_json(METRICS / "split.json")
    comparison = read_json(METRICS / "comparison.json")
    markdown = render_markdown(
        {
            "params": settings,
            "optimizer": getattr(settings.optimizers, settings.optimizer),
            "source": read_json("data/raw/source.json"),
            "trained": {cell: read_json(MODELS / cell / "model.json")["training"] for cell in CELLS},
            "losses": {cell: losses_of_kept(CURVES / f"{cell}.csv") for cell in CELLS},
            "clean": {row["count"]: row["reviews"] for row in read_json(METRICS / "clean.json")["counts"]},
            "data": read_json(METRICS / "data.json"),
            "split": {row["split"]: row for row in split["splits"]},
            "words": split["vocabulary"][0]["words"],
            "evaluation": {row["model"]: row for row in comparison["models"]},
            "comparison": comparison,
            "gates": read_json(METRICS / "gates.json"),
            "leakage": read_json(METRICS / "leakage.json"),
            "slices": read_json(METRICS / "slices.json")["slices"],
            "errors": read_json(METRICS / "errors.json")["errors"],
            "study": read_json(METRICS / "sweep.json"),
            "settings": yaml.safe_dump(chosen(settings), sort_keys=False),
            "versions": versions(),
        }
    )
    write_text("reports/report.md", markdown)
    write_text("reports/report.html", render_html(markdown, Path("reports"), LINKED))
    print("reports/report.md, reports/report.html")


def chosen(settings: params.Params) -> dict:
    """What the report's figures depend on, as in params.yaml."""
    values = settings.model_dump(include={"seed", "optimizer", "split", "model", "train", "sweep"})
    return values | {"optimizers": {settings.optimizer: settings.optimizers.model_dump()[settings.optimizer]}}


def versions() -> dict[str, str]:
    """Of Python and of what computes; the machine too, since others round differently."""
    return {
        "Python": platform.python_version(),
        **{name: version(name) for name in ("torch", "numpy", "scikit-learn")},
        "on": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
    }


def losses_of_kept(path: Path) -> dict[str, float]:
    """The losses on training and validation at the evaluation whose weights were kept."""
    curve = pd.read_csv(path)
    kept = curve.loc[curve["average_precision"].idxmax()]
    return {"train_loss": float(kept["train_loss"]), "validation_loss": float(kept["validation_loss"])}


if __name__ == "__main__":
    run(main)
