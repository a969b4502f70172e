"""What reruns after which change, by what DVC says that it ran."""

import json

import pytest

from tests.pipeline.conftest import Project, ran, restored

# `check` reads all of params.yaml, and so runs whenever anything in it has changed.
CHECK = {"check"}
AFTER_EVALUATE = {"plot", "report"}
TRAININGS = {"train_lstm", "train_gru", "train_gru_matched"}
GRID = {f"sweep@{name}-{rate}" for name in ("sgd", "adam") for rate in ("0.01", "1.0")}


def test_nothing_runs_twice(project: Project) -> None:
    assert ran(project.dvc("repro")) == set()


def test_optimizer_and_back(project: Project) -> None:
    before = project.files("data/models", "reports/metrics")
    output = project.dvc("exp", "run", "--set-param", "optimizer=sgd")
    assert ran(output) == CHECK | TRAININGS | {"evaluate", "gates"} | AFTER_EVALUATE

    assert "optimizer" in project.dvc("params", "diff")
    changed = project.dvc("metrics", "diff")
    assert "reports/metrics/lstm.json" in changed
    assert "reports/metrics/gru.json" in changed
    assert "reports/metrics/tfidf.json" not in changed
    project.dvc("plots", "diff")
    assert "reports/curves/lstm.csv" in (project.folder / "dvc_plots/index.html").read_text()
    assert "with learning rate\n1," in (project.folder / "reports/report.md").read_text()

    output = project.dvc("exp", "run", "--set-param", "optimizer=adam")
    assert ran(output) <= CHECK | AFTER_EVALUATE
    assert TRAININGS | {"evaluate", "gates"} <= restored(output)
    assert project.files("data/models", "reports/metrics") == before


def test_hidden_size(project: Project) -> None:
    output = project.dvc("exp", "run", "--set-param", "model.hidden_size=6")
    follows = {"sweep_summary", "theory", "evaluate", "gates"} | AFTER_EVALUATE
    assert ran(output) == CHECK | TRAININGS | GRID | follows


def test_a_rate_more_and_a_rate_less(project: Project) -> None:
    parameters = project.folder / "params.yaml"
    text = parameters.read_text()
    parameters.write_text(text.replace("    - 0.01\n", "    - 0.01\n    - 1e-05\n    - 1000000.0\n"))
    new = {f"sweep@{name}-{rate}" for name in ("sgd", "adam") for rate in ("1e-05", "1000000.0")}
    assert ran(project.dvc("repro")) == CHECK | new | {"sweep_summary"} | AFTER_EVALUATE
    # At the second nothing can be learned: the cell says so, the tables mark it, and all ends well.
    runs = json.loads((project.folder / "data/sweep/sgd-1000000.0/runs.json").read_text())
    assert all(run["diverged"] and "loss" in run["problem"] for run in runs.values())
    assert "\nsgd,1e+06,,,,1\n" in (project.folder / "reports/curves/sweep_grid.csv").read_text()
    assert "cells diverged: SGD 1" in (project.folder / "reports/report.md").read_text()

    parameters.write_text(text)
    assert ran(project.dvc("repro")) <= CHECK | {"sweep_summary"} | AFTER_EVALUATE


def test_split(project: Project) -> None:
    output = project.dvc("exp", "run", "--set-param", "split.by=random")
    follows = {"split", "inspect", "train_baseline", "sweep_summary", "theory", "evaluate", "gates"}
    follows |= AFTER_EVALUATE
    # The vocabulary is another one only where other words pass its minimum count.
    assert ran(output) | {"theory"} == CHECK | TRAININGS | GRID | follows
    assert not restored(output)
    found = json.loads((project.folder / "reports/metrics/split.json").read_text())["splits"]
    assert found[2]["books_seen_in_training"] > 0


def test_evaluation(project: Project) -> None:
    output = project.dvc("exp", "run", "--set-param", "evaluate.bootstrap=60")
    assert ran(output) == CHECK | {"evaluate", "leakage", "sweep_summary"} | AFTER_EVALUATE


def test_trained_by_two_processes(project: Project) -> None:
    launcher = "train.launcher='torchrun --standalone --nproc-per-node=2 -m'"
    before = project.files("data/models")
    output = project.dvc("exp", "run", "--set-param", launcher)
    assert ran(output) == CHECK | TRAININGS | {"evaluate", "gates", "theory"} | AFTER_EVALUATE
    assert "torchrun --standalone --nproc-per-node=2 -m stages.train gru" in output
    after = project.files("data/models")
    assert after.keys() == before.keys()
    for name in ("data/models/lstm/model.safetensors", "data/models/gru/model.safetensors"):
        assert after[name] != before[name]


def test_without_the_matched_gru(project: Project) -> None:
    """It is switched off and on without a training of the others, and leaves nothing stale behind."""
    before = project.files("data/models", "reports/metrics", "reports/curves")
    output = project.dvc("exp", "run", "--set-param", "evaluate.match_parameters=false")
    assert ran(output) == CHECK | {"train_gru_matched", "evaluate", "gates"} | AFTER_EVALUATE
    assert project.files("data/models/gru_matched") == {}
    report = (project.folder / "reports/report.md").read_text()
    assert "GRU of equal parameters" not in report
    project.dvc("plots", "show")
    project.dvc("metrics", "show")

    output = project.dvc("exp", "run", "--set-param", "evaluate.match_parameters=true")
    assert {"train_gru_matched", "evaluate"} <= restored(output)
    assert project.files("data/models", "reports/metrics", "reports/curves") == before


def test_a_figure(project: Project) -> None:
    code = project.folder / "stages/results/figures/models.py"
    code.write_text(code.read_text().replace('title="Loss"', 'title="The loss"'))
    assert ran(project.dvc("repro")) == AFTER_EVALUATE


@pytest.mark.parametrize(
    ("key", "value", "may_be"),
    [
        ("optimizer", "adagrad", "'sgd', 'momentum', 'rmsprop' or 'adam'"),
        ("optimizers.adam.learning_rate", "-0.001", "greater than 0"),
        ("split.fractions.train", "0.8", "sum to 1"),
        ("model.layers", "two", "valid integer"),
        ("+model.width", "3", "is not a setting"),
    ],
)
def test_bad_parameters_touch_nothing(built: Project, key: str, value: str, may_be: str) -> None:
    before = built.files("data", "reports")
    output = built.dvc("exp", "run", "--set-param", f"{key}={value}", fails=True)
    built.run("git", "checkout", "--", "params.yaml")
    lines = [line for line in output.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    assert key.lstrip("+").removesuffix(".train") in lines[0]
    assert may_be in lines[0]
    assert "Traceback" not in output
    assert built.files("data", "reports") == before


def test_the_same_bytes_again(project: Project) -> None:
    def all_but_timings() -> dict[str, bytes]:
        files = project.files("data", "reports")
        return {name: content for name, content in files.items() if "timings" not in name}

    before = all_but_timings()
    project.dvc("repro", "--force")
    after = all_but_timings()
    assert set(after) == set(before)
    assert [name for name in after if after[name] != before[name]] == []
