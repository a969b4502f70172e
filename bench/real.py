"""Score real reviews: `make real SOURCE="reviews.json.gz more.json.gz"`.

Runs the main comparison on each file, with `dvc repro evaluate` in its own project, `.cache/real/NAME`,
and puts the scores, but no text, into reports/real_text.md, between markers with the file's name.
SPLIT=random splits by review instead of by book. VECTORS=vectors.txt trains the networks once more, with
these word vectors. The settings are those of params.yaml and, with vectors, `WITH_VECTORS`, which
bench/README.md explains.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from bench import page
from bench.project import ROOT, make_project
from spoilers.report.names import NAMES
from spoilers.report.page.page import render_html

FOLDER = ROOT / ".cache/real"
PAGE = ROOT / "reports/real_text.md"
WITH_VECTORS = {"freeze_vectors": True, "embedding_dropout": 0.5, "state_dropout": 0.5}


def compare(source: Path, vectors: Path | None) -> dict:
    """Run the pipeline up to `evaluate` on a file of reviews; return the results of the comparison."""
    name = source.name.partition(".")[0] + ("-vectors" if vectors else "")
    split = os.environ.get("SPLIT", "book")
    settings: dict[str, dict] = {"download": {"source": str(source)}, "split": {"by": split}}
    if vectors:
        with vectors.open(encoding="utf-8") as file:
            size = len(file.readline().split()) - 1
        settings["model"] = WITH_VECTORS | {"vectors": str(vectors), "embedding_size": size}
    make_project(FOLDER / name, settings)
    environment = os.environ | {"DVC_NO_ANALYTICS": "true"}
    subprocess.run(
        [sys.executable, "-m", "dvc", "repro", "evaluate"], cwd=FOLDER / name, env=environment, check=True
    )
    return json.loads((FOLDER / name / "data/results/comparison.json").read_text(encoding="utf-8"))


def tabulate(plain: dict, with_vectors: dict | None) -> str:
    """Return the scores as a table in Markdown."""
    test, seeds = plain["test"], len(plain["trainings"]["lstm"])
    rows = [(NAMES[model], scores) for model, scores in plain["models"].items() if model != "majority"]
    if with_vectors:
        rows += [(f"{NAMES[cell]}, with vectors", with_vectors["models"][cell]) for cell in plain["networks"]]
    chance = test["spoilers"] / test["reviews"]
    lines = [
        f"{test['reviews']:,} test reviews, {test['spoilers']:,} with a spoiler, so that chance has an"
        f" average precision of {chance:.3f}. Networks: means of {seeds} seeds. Intervals (95%) are over"
        " books and seeds.",
        "",
        "| | average precision | interval | sd over seeds | ROC-AUC | interval | accuracy | F1 |",
        "|---|--:|:-:|--:|--:|:-:|--:|--:|",
    ]
    for name, s in rows:
        deviation = f"{s['sd_over_seeds']:.3f}" if s.get("sd_over_seeds") is not None else ""
        lines.append(
            f"| {name} | {s['average_precision']:.3f} | {s['low']:.3f} to {s['high']:.3f} | {deviation}"
            f" | {s['roc_auc']:.3f} | {s['roc_auc_low']:.3f} to {s['roc_auc_high']:.3f}"
            f" | {s['accuracy']:.3f} | {s['f1']:.3f} |"
        )
    return "\n".join([*lines, ""])


def write_html() -> None:
    """Write the page as HTML too, without the markers."""
    text = re.sub(r"<!--.*?-->\n", "", PAGE.read_text(encoding="utf-8"))
    PAGE.with_suffix(".html").write_text(render_html(text, PAGE.parent), encoding="utf-8")


def main() -> None:
    sources = [Path(name).resolve() for name in shlex.split(os.environ.get("SOURCE", ""))]
    vectors = Path(os.environ["VECTORS"]).resolve() if os.environ.get("VECTORS") else None
    if not sources:
        sys.exit('no file is given: make real SOURCE="reviews.json.gz"')
    for source in sources:
        with_vectors = compare(source, vectors) if vectors else None
        table = tabulate(compare(source, None), with_vectors)
        name = source.name.partition(".")[0]
        markers = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        page.put(f"## {name}", *markers, table, PAGE, "# Real text\n")
        print(table)
    write_html()


if __name__ == "__main__":
    main()
