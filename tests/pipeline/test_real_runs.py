"""Test what needs the real pipeline: an experiment, bad parameters."""

import re
import shlex

import pytest

from tests import ROOT
from tests.pipeline.conftest import Project, ran

pytestmark = pytest.mark.xdist_group("pipeline")

COLUMNS = 120
TRAININGS = {"train_lstm", "train_gru"}
LAUNCHER = "torchrun --standalone --nproc-per-node=2 -m"


def recipe() -> list[str]:
    """Return the command in docs/experiments.md that shows experiments."""
    shown = re.search(r"^    (dvc exp show .+)$", (ROOT / "docs/experiments.md").read_text(), re.M)
    return shlex.split(shown[1])


def test_an_experiment_by_two_processes(built: Project, project: Project) -> None:
    """Train both networks with another optimizer, in two processes each, and show it in DVC."""
    project.variables = {"COLUMNS": str(COLUMNS)}
    changes = ("--set-param", "optimizer=sgd", "--set-param", f"train.launcher='{LAUNCHER}'")
    output = project.dvc("exp", "run", *changes)
    assert ran(output) == {"check", *TRAININGS, "ablation_summary", "evaluate", "gates", "plot", "report"}
    assert f"{LAUNCHER} stages.train gru" in output
    before, after = built.results(), project.results()
    assert after.keys() == before.keys()
    for name in ("lstm", "gru"):
        weights = f"data/models/{name}/model.safetensors"
        assert after[weights] != before[weights]
    assert "SGD with a learning rate of 1 trains" in (project.folder / "reports/report.md").read_text()

    assert "optimizer" in project.dvc("params", "diff")
    changed = project.dvc("metrics", "diff")
    assert "reports/metrics/lstm.json" in changed
    assert "reports/metrics/gru.json" in changed
    assert "reports/metrics/tfidf.json" not in changed
    project.dvc("plots", "diff")
    page = (project.folder / "dvc_plots/index.html").read_text()
    assert "Validation average precision" in page
    assert '"rev": "HEAD"' in page

    shown = project.run(*recipe(), "--no-pager")
    for name in ("optimizer", "lstm.json:roc_auc", "gru.json:roc_auc"):
        assert name in shown
    assert {"sgd", "adam"} <= {line.split()[-1] for line in shown.splitlines() if line.strip()}
    for table in (changed, shown):
        assert max(map(len, table.splitlines())) <= COLUMNS


def test_a_bad_parameter_touches_nothing(project: Project) -> None:
    before = project.results()
    output = project.dvc("exp", "run", "--set-param", "model.layers=two", fails=True)
    project.run("git", "checkout", "HEAD", "--", ".")
    lines = [line for line in output.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    assert "model.layers: was 'two', should be a valid integer" in lines[0]
    assert "Traceback" not in output
    assert project.results() == before
