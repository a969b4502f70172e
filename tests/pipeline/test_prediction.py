"""New reviews through the models of the real pipeline, and models that leave it by way of DVC."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from spoilers import SpoilerDetector
from tests.pipeline.conftest import Project

COLUMNS = {"lstm": "lstm", "gru": "gru", "baseline": "tfidf"}


@pytest.mark.parametrize("model", COLUMNS)
def test_probabilities_are_those_of_evaluate(built: Project, tmp_path: Path, model: str) -> None:
    output = tmp_path / "predictions.parquet"
    arguments = ("--model", model, "--input", "data/raw/reviews.json.gz", "--output", str(output))
    said = built.run("python", "-m", "spoilers", "predict", *arguments)
    found = {row["review_id"]: row for row in pq.read_table(output).to_pylist()}
    assert f"{len(found):,} reviews" in said
    expected = pq.read_table(built.folder / "data/predictions/test.parquet").to_pylist()
    threshold = SpoilerDetector.load(built.folder / "data/models" / model).threshold
    for row in expected:
        prediction = found[row["review_id"]]
        assert prediction["probability"] == pytest.approx(row[COLUMNS[model]], abs=1e-6)
        assert prediction["spoiler"] == (prediction["probability"] >= threshold)


@pytest.mark.parametrize("model", COLUMNS)
def test_scores_are_those_of_evaluate(built: Project, tmp_path: Path, model: str) -> None:
    """On the test reviews alone, whose sentences stand in the file of cleaned reviews."""
    column = COLUMNS[model]
    test = pq.read_table(built.folder / "data/predictions/test.parquet", columns=["review_id"]).to_pydict()
    clean = pq.read_table(built.folder / "data/clean/reviews.parquet").to_pylist()
    of_test = [row for row in clean if row["review_id"] in set(test["review_id"])]
    records = [
        {"review_sentences": [[0, text] for text in row["sentences"]], "has_spoiler": row["label"]}
        for row in of_test
    ]
    path = tmp_path / "test.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    said = built.run("python", "-m", "spoilers", "predict", "--model", model, "--input", str(path), "--score")
    scores = dict(line.split() for line in said.splitlines() if len(line.split()) == 2)
    evaluated = json.loads((built.folder / f"reports/metrics/{column}.json").read_text())
    assert {name: float(value) for name, value in scores.items()} == pytest.approx(
        {name: value for name, value in evaluated.items() if name not in ("low", "high")}, abs=1.1e-4
    )


def test_one_by_one(built: Project) -> None:
    detector = SpoilerDetector.load(built.folder / "data/models/lstm")
    clean = pq.read_table(built.folder / "data/clean/reviews.parquet", columns=["review_id", "sentences"])
    sentences = {row["review_id"]: row["sentences"] for row in clean.to_pylist()}
    for row in pq.read_table(built.folder / "data/predictions/test.parquet").to_pylist():
        scores = detector.score(detector.encode([sentences[row["review_id"]]]))
        assert scores.reviews[0] == pytest.approx(row["lstm"], abs=1e-6)


def test_a_model_is_fetched_by_dvc_and_used_alone(project: Project, tmp_path: Path) -> None:
    """Pushed to a remote, the cache gone: what DVC brings elsewhere is enough, by path or by version."""
    project.dvc("remote", "add", "--default", "storage", str(tmp_path / "storage"))
    project.commit()
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
