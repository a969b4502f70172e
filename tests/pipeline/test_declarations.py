"""Compare each stage's declarations in dvc.yaml with what its processes did in the real pipeline."""

from collections import defaultdict
from collections.abc import Iterable
from contextlib import chdir
from pathlib import Path

import pytest
import yaml
from dvc.dependency.param import ParamsDependency
from dvc.repo import Repo

from spoilers.core.params import Loader
from tests.pipeline.conftest import Project

pytestmark = pytest.mark.xdist_group("pipeline")

Names = dict[str, set[str]]  # by stage, the cells of the study taken together

CHANGES = "ablation.changes"
# No stage has to read these: commands hold the launcher; the share of test is what the others leave.
NEVER_READ = {"train.launcher", "split.fractions.test"}


@pytest.fixture(scope="module")
def seen(built: Project, trace: Path) -> dict[str, Names]:
    """Return the records by kind (setting, read, write, list) and stage."""
    found: dict[str, Names] = defaultdict(lambda: defaultdict(set))
    for record in trace.glob("*/*"):
        for line in record.read_text().splitlines():
            kind, name = line.split("\t")
            found[kind][family(record.parent.name)].add(name)
    return found


@pytest.fixture(scope="module")
def declared(built: Project) -> dict[str, Names]:
    """Return dvc.yaml's settings, dependencies and outputs, by kind and stage."""
    leaves = set(leaves_of(yaml.load((built.folder / "params.yaml").read_text(), Loader)))
    found: dict[str, Names] = defaultdict(lambda: defaultdict(set))
    with chdir(built.folder), Repo(".") as repo:
        for stage in repo.index.stages:
            name = family(stage.addressing)
            for dep in stage.deps:
                if isinstance(dep, ParamsDependency):
                    # Without names, the whole file.
                    found["setting"][name] |= {
                        leaf for leaf in leaves if not dep.params or under(leaf, dep.params, ".")
                    }
                    if any(under(param, [CHANGES], ".") for param in dep.params):  # only a cell's own
                        found["setting"][name].add(CHANGES)
                else:
                    found["dep"][name].add(dep.def_path)
            found["out"][name] |= {out.def_path for out in stage.outs}
    return found


def family(stage: str) -> str:
    """Return the name in dvc.yaml: `sweep` of `sweep@adam-0.003`."""
    return stage.partition("@")[0]


def under(name: str, others: Iterable[str], separator: str = "/") -> bool:
    """Return whether a name is in `others` or inside one."""
    return any(name == other or name.startswith(other + separator) for other in others)


def leaves_of(values: dict, prefix: str = "") -> Iterable[str]:
    """Yield each setting's full name; the ablation's changes count as one setting."""
    for key, value in values.items():
        if isinstance(value, dict) and prefix + key != CHANGES:
            yield from leaves_of(value, f"{prefix}{key}.")
        else:
            yield prefix + key


def is_data(name: str) -> bool:
    return name.startswith(("data/", "reports/"))


def by_stage(names: Names) -> dict[str, list[str]]:
    """Return the stages that have names, and sort these."""
    return {stage: sorted(found) for stage, found in sorted(names.items()) if found}


def test_every_stage_was_recorded(seen: dict[str, Names], declared: dict[str, Names]) -> None:
    assert seen["write"].keys() == declared["out"].keys()


def test_every_setting_that_is_read_is_declared(seen: dict[str, Names], declared: dict[str, Names]) -> None:
    """Leave out the machine's settings, which do not affect any result.

    A change of the ablation is validated together with all other settings, including the study's grid.
    """
    read = {
        stage: {n for n in names if not under(n, ["machine"], ".")}
        for stage, names in seen["setting"].items()
    }
    read["ablation"] -= {"sweep.cells", "sweep.shared_learning_rate"}
    assert by_stage({stage: names - declared["setting"][stage] for stage, names in read.items()}) == {}


def test_every_setting_that_is_declared_is_read(seen: dict[str, Names], declared: dict[str, Names]) -> None:
    """Accept reads by `check`, which validates all, or by the declaring stage.

    The small study has two of the four optimizers; the ablation reads its settings from changed copies.
    """
    sometimes = {
        "ablation": {"seed"},
        "sweep": {n for n in declared["setting"]["sweep"] if under(n, ["optimizers"], ".")},
    }
    idle = {
        stage: names - seen["setting"][stage] - NEVER_READ - sometimes.get(stage, set())
        for stage, names in declared["setting"].items()
        if stage != "check"
    }
    assert by_stage(idle) == {}


def test_every_file_that_is_read_is_declared(
    built: Project, seen: dict[str, Names], declared: dict[str, Names]
) -> None:
    """Check data, and files beside the modules: templates, the sample's sentences, styles.

    Names that are not files of the project belong to scratch folders, or to Python's imports.
    """
    undeclared = {
        stage: {
            name
            for name in names
            if not name.endswith(".py")
            and (built.folder / name).exists()
            and name not in ("params.yaml", "dvc.yaml")  # DVC takes no dvc.yaml as a dependency
            and not under(name, declared["dep"][stage] | declared["out"][stage])
        }
        for stage, names in seen["read"].items()
    }
    assert by_stage(undeclared) == {}


def test_every_file_that_is_declared_is_read(seen: dict[str, Names], declared: dict[str, Names]) -> None:
    """Ignore `data/params.checked`, which only orders the stages."""
    idle = {
        stage: {
            dep
            for dep in deps
            if (is_data(dep) or Path(dep).suffix not in ("", ".py"))
            and dep != "data/params.checked"
            and not any(under(name, [dep]) for name in seen["read"][stage])
        }
        for stage, deps in declared["dep"].items()
    }
    assert by_stage(idle) == {}


def test_every_file_that_is_written_is_an_output(seen: dict[str, Names], declared: dict[str, Names]) -> None:
    strangers = {
        stage: {name for name in names if not under(name, declared["out"][stage])}
        for stage, names in seen["write"].items()
    }
    assert by_stage(strangers) == {}


def test_every_folder_that_is_listed_is_a_dependency_or_an_output(
    seen: dict[str, Names], declared: dict[str, Names]
) -> None:
    """Require that a folder that a stage lists is declared as a whole."""
    partly = {
        stage: {
            name
            for name in names
            if is_data(name) and not under(name, declared["dep"][stage] | declared["out"][stage])
        }
        for stage, names in seen["list"].items()
    }
    assert by_stage(partly) == {}
