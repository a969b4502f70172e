"""Check which stages rerun after which change, on stub commands through the real DVC."""

import pytest

from spoilers.core.errors import UserError
from tests.pipeline.stubs import Project, change_params

pytestmark = [
    pytest.mark.xdist_group("stubs"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:dvc"),
]

# `check` reads all of params.yaml, and so runs whenever anything in it has changed.
CHECK = {"check"}
FIGURES = {"plot", "report"}
TRAININGS = {"train_lstm", "train_gru"}
SCORES = {"evaluate", "gates"}
GRID = {"sweep@sgd-0.003", "sweep@adam-0.003"}
STUDY_DATA = {"study_data@sweep", "study_data@ablation"}
ABLATION = {"ablation@default", "ablation@no_decay"}


@pytest.fixture
def project(stub_project: Project) -> Project:
    return stub_project


def set_params(project: Project, **changes: object) -> None:
    """Set settings in params.yaml; two underscores stand for a dot."""
    named = {name.replace("__", "."): value for name, value in changes.items()}
    change_params(project.folder / "params.yaml", named)


def test_every_stage_runs_once(project: Project) -> None:
    outcome = project.repro()
    assert (outcome.ran, outcome.restored) == (set(), set())
    assert {"data/models/lstm/content", "reports/report.md", "data/params.checked"} < project.outputs().keys()


def test_optimizer_and_back(project: Project) -> None:
    before = project.outputs()
    outcome = project.experiment("optimizer=sgd")
    assert outcome.ran == CHECK | TRAININGS | SCORES | FIGURES | {"ablation_summary"}
    assert not outcome.restored
    assert project.outputs()["data/models/lstm/content"] != before["data/models/lstm/content"]

    set_params(project, optimizer="adam")
    outcome = project.repro()
    assert outcome.ran <= CHECK | FIGURES
    assert outcome.restored >= TRAININGS | SCORES
    assert project.outputs() == before


@pytest.mark.parametrize(
    ("changes", "runs"),
    [
        (
            {"optimizers__adam__learning_rate": 0.002},
            TRAININGS | SCORES | ABLATION | {"ablation_summary", "theory"} | FIGURES,
        ),
        ({"optimizers__rmsprop__learning_rate": 0.002}, {"theory"}),
        (
            {"model__hidden_size": 24},
            TRAININGS | GRID | SCORES | ABLATION | {"sweep_summary", "ablation_summary", "theory"} | FIGURES,
        ),
        ({"train__seeds": 6}, TRAININGS | SCORES | {"ablation_summary"} | FIGURES),
        ({"sweep__seeds": 4}, GRID | {"sweep_summary"} | FIGURES),
        ({"ablation__epochs": 5}, ABLATION | {"ablation_summary", "report"}),
        (
            {"ablation__reviews": 300},
            {"study_data@ablation"} | ABLATION | {"ablation_summary", "report"},
        ),
        ({"evaluate__confidence": 0.9}, {"evaluate", "gates", "leakage", "sweep_summary"} | FIGURES),
        (
            {"split__by": "random"},
            STUDY_DATA
            | {"split", "inspect", "train_baseline", "sweep_summary", "theory"}
            | (TRAININGS | GRID | SCORES | FIGURES | ABLATION | {"ablation_summary"}),
        ),
        ({"machine__device": "cpu", "machine__workers": 1, "machine__checkpoint_seconds": 5.0}, set()),
    ],
    ids=[
        "rate",
        "another's rate",
        "hidden size",
        "seeds",
        "the study's seeds",
        "ablation",
        "the ablation's reviews",
        "evaluate",
        "split",
        "machine",
    ],
)
def test_a_changed_setting(project: Project, changes: dict[str, object], runs: set[str]) -> None:
    """Expect `gates` after `evaluate`: on stubs, every run of a stage changes its outputs."""
    set_params(project, **changes)
    outcome = project.repro()
    assert outcome.ran == CHECK | runs
    assert not outcome.restored


def test_a_rate_more_and_a_rate_less(project: Project) -> None:
    set_params(project, sweep__cells=["sgd-0.003", "adam-0.003", "adam-1e-05"])
    assert project.repro().ran == CHECK | {"sweep@adam-1e-05", "sweep_summary"} | FIGURES
    set_params(project, sweep__cells=["sgd-0.003", "adam-0.003"])
    assert project.repro().ran <= CHECK | {"sweep_summary"} | FIGURES


@pytest.mark.parametrize(
    ("module", "runs"),
    [
        ("spoilers/core/params.py", set()),
        ("spoilers/report/figures/models.py", FIGURES),
        (
            "spoilers/training/loop.py",
            TRAININGS | GRID | SCORES | ABLATION | {"theory", "sweep_summary", "ablation_summary"} | FIGURES,
        ),
    ],
)
def test_a_comment_in_the_code(project: Project, module: str, runs: set[str]) -> None:
    project.append(module, "# A comment.\n")
    assert project.repro().ran == runs


def test_a_bad_parameter_touches_nothing(project: Project) -> None:
    """Run the real stage `check`."""
    before = project.outputs()
    with pytest.raises(UserError, match="'sgd', 'momentum', 'rmsprop' or 'adam'"):
        project.experiment("optimizer=adagrad")
    assert project.outputs() == before
