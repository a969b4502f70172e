"""DVC shows a running training: it first deletes the outputs, but the curve comes back."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.pipeline.conftest import Project, inherited
from tests.pipeline.stubs import commit

pytestmark = pytest.mark.xdist_group("stubs")

PIPELINE = """
stages:
  train:
    cmd: python train.py
    params: [rate]
    outs: [reports/curves/lstm.csv]
  evaluate:
    cmd: cp reports/curves/lstm.csv scores; echo '{"loss":1}' > lstm.json
    deps: [reports/curves/lstm.csv]
    outs: [scores]
    metrics: [{lstm.json: {cache: false}}]
plots:
  - Loss: {x: epoch, y: {reports/curves/lstm.csv: train_loss}}
"""
# A first validation; then, at another rate, a wait in place of the rest of the training.
TRAINING = """
import time
from pathlib import Path
from spoilers.core.files import write_text

rate = Path("params.yaml").read_text().split()[-1]
write_text("reports/curves/lstm.csv", f"epoch,train_loss\\n1,0.{rate}\\n")
Path("validated").touch()
while rate != "1" and not Path("end").exists():
    time.sleep(0.05)
"""


@pytest.fixture
def running(tmp_path: Path) -> Project:
    """Yield a project whose training has validated once and runs until `end` exists."""
    project = Project(tmp_path)
    for name, text in (("dvc.yaml", PIPELINE), ("train.py", TRAINING), ("params.yaml", "rate: 1")):
        (tmp_path / name).write_text(text)
    (tmp_path / ".gitignore").write_text("validated\nend\n")
    project.variables = {"PYTHONPATH": str(Path(__file__).parents[2])}
    project.run("git", "init", "--quiet")
    project.dvc("init", "--quiet")
    project.dvc("repro")
    commit(tmp_path)
    (tmp_path / "validated").unlink()
    (tmp_path / "params.yaml").write_text("rate: 2")
    command = [sys.executable, "-m", "dvc", "repro"]
    training = subprocess.Popen(
        command, cwd=tmp_path, env=inherited() | project.variables, stdout=subprocess.DEVNULL
    )
    while not (tmp_path / "validated").exists():
        assert training.poll() is None
        time.sleep(0.05)
    yield project
    (tmp_path / "end").touch()
    assert training.wait() == 0


def test_dvc_shows_a_training_that_runs(running: Project) -> None:
    running.dvc("plots", "diff")
    page = (running.folder / "dvc_plots/index.html").read_text()
    assert '"train_loss": "0.2", "rev": "workspace"' in page
    assert '"train_loss": "0.1", "rev": "HEAD"' in page
    assert "failed" not in running.dvc("metrics", "diff").lower()
    shown = running.dvc("exp", "show", "--no-pager")
    assert "workspace" in shown
    assert "!" not in shown
