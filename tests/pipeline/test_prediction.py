"""Score new reviews with the real pipeline's models, also when DVC fetched them elsewhere."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from spoilers import SpoilerDetector
from tests.pipeline.conftest import Project

pytestmark = pytest.mark.xdist_group("pipeline")

COLUMNS = {"lstm": "lstm", "gru": "gru", "baseline": "tfidf"}
COMMAND = ("python", "-m", "spoilers", "predict")


def evaluated(built: Project) -> list[dict]:
    """Read the test predictions of all models."""
    return pq.read_table(built.folder / "data/predictions/test.parquet").to_pylist()


@pytest.mark.parametrize("model", COLUMNS)
def test_probabilities_are_those_of_evaluate(built: Project, model: str) -> None:
    """Score one review at a time, from its cleaned sentences."""
    detector = SpoilerDetector.load(built.folder / "data/models" / model)
    clean = pq.read_table(built.folder / "data/clean/reviews.parquet", columns=["review_id", "sentences"])
    sentences = {row["review_id"]: row["sentences"] for row in clean.to_pylist()}
    assert evaluated(built)
    for row in evaluated(built):
        scores = detector.score(detector.encode([sentences[row["review_id"]]]))
        assert scores.reviews[0] == pytest.approx(row[COLUMNS[model]], abs=1e-6)


def test_the_command_on_the_downloaded_file(built: Project, tmp_path: Path) -> None:
    output = tmp_path / "predictions.parquet"
    said = built.run(*COMMAND, "--input", "data/raw/reviews.json.gz", "--output", str(output))
    found = {row["review_id"]: row for row in pq.read_table(output).to_pylist()}
    assert f"{len(found):,} reviews" in said
    threshold = json.loads((built.folder / "data/models/lstm/model.json").read_text())["threshold"]
    for row in evaluated(built):
        prediction = found[row["review_id"]]
        assert prediction["probability"] == pytest.approx(row["lstm"], abs=1e-6)
        assert prediction["spoiler"] == (prediction["probability"] >= threshold)


def test_the_command_scores_as_evaluate_does(built: Project, tmp_path: Path) -> None:
    """Score the test reviews alone, with sentences from the file of cleaned reviews."""
    test = {row["review_id"] for row in evaluated(built)}
    clean = pq.read_table(built.folder / "data/clean/reviews.parquet").to_pylist()
    records = [
        {"review_sentences": [[0, text] for text in row["sentences"]], "has_spoiler": row["label"]}
        for row in clean
        if row["review_id"] in test
    ]
    path = tmp_path / "test.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    said = built.run(*COMMAND, "--model", "baseline", "--input", str(path), "--score")
    scores = dict(line.split() for line in said.splitlines() if len(line.split()) == 2)
    metrics = json.loads((built.folder / "reports/metrics/tfidf.json").read_text())
    common = scores.keys() & metrics.keys()
    assert {"average_precision", "f1"} <= common
    assert {name: float(scores[name]) for name in common} == pytest.approx(
        {name: metrics[name] for name in common}, abs=1.1e-4
    )


def test_a_model_is_fetched_by_dvc_and_used_alone(project: Project, tmp_path: Path) -> None:
    """Push models and delete the cache: what DVC fetches elsewhere is enough, by path or version."""
    project.dvc("remote", "add", "--default", "storage", str(tmp_path / "storage"))
    project.run("git", "commit", "--quiet", "--all", "--message", "A remote")
    project.run("git", "tag", "--annotate", "baseline@v1.0.0", "--message", "The first version")
    project.dvc("push", "data/models/lstm", "data/models/baseline")
    project.run("rm", "-rf", ".dvc/cache", "data")
    elsewhere = Project(tmp_path / "elsewhere")
    elsewhere.folder.mkdir()
    elsewhere.dvc("get", str(project.folder), "data/models/lstm", "--out", "by_path")
    elsewhere.dvc("artifacts", "get", str(project.folder), "baseline", "--out", "by_name")
    for folder, name in (("by_path", "lstm"), ("by_name", "baseline")):
        detector = SpoilerDetector.load(elsewhere.folder / folder)
        assert detector.name == name
        (prediction,) = detector.predict(["He dies in the end."])
        assert 0 < prediction.probability < 1
