"""What only the real pipeline shows: the same bytes again, an experiment, bad parameters."""

import pytest

from tests.pipeline.conftest import Project, ran

pytestmark = pytest.mark.xdist_group("pipeline")

TRAININGS = {"train_lstm", "train_gru"}
LAUNCHER = "torchrun --standalone --nproc-per-node=2 -m"


def test_the_same_bytes_again(built: Project, project: Project) -> None:
    """Every stage once more, with other threads than before and under a notebook's plotting backend."""
    project.variables = {"OMP_NUM_THREADS": "2", "MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    project.dvc("repro", "--force")
    before, after = built.results(), project.results()
    assert after.keys() == before.keys()
    assert [name for name in after if after[name] != before[name]] == []


def test_an_experiment_by_two_processes(built: Project, project: Project) -> None:
    """Both networks by another optimizer, each trained by two processes."""
    changes = ("--set-param", "optimizer=sgd", "--set-param", f"train.launcher='{LAUNCHER}'")
    output = project.dvc("exp", "run", *changes)
    assert ran(output) == {"check", *TRAININGS, "ablation_summary", "evaluate", "gates", "plot", "report"}
    assert f"{LAUNCHER} stages.train gru" in output
    before, after = built.results(), project.results()
    assert after.keys() == before.keys()
    for name in ("lstm", "gru"):
        weights = f"data/models/{name}/model.safetensors"
        assert after[weights] != before[weights]
    assert "optimizer" in project.dvc("params", "diff")
    changed = project.dvc("metrics", "diff")
    assert "reports/metrics/lstm.json" in changed
    assert "reports/metrics/gru.json" in changed
    assert "reports/metrics/tfidf.json" not in changed
    project.dvc("plots", "diff")
    assert "reports/curves/lstm.csv" in (project.folder / "dvc_plots/index.html").read_text()
    assert "SGD with a learning rate of 1 trains" in (project.folder / "reports/report.md").read_text()


def test_a_bad_parameter_touches_nothing(built: Project) -> None:
    before = built.results()
    output = built.dvc("exp", "run", "--set-param", "model.layers=two", fails=True)
    built.run("git", "checkout", "HEAD", "--", ".")
    lines = [line for line in output.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    assert "model.layers: was 'two', should be a valid integer" in lines[0]
    assert "Traceback" not in output
    assert built.results() == before
