"""Find mistakes that the settings alone do not show, before any stage can lose its outputs."""

import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import yaml

from spoilers.core.errors import UserError
from spoilers.core.params import Model, Params
from spoilers.corpus import fetch
from spoilers.text.vocabulary import Vocabulary

VOCABULARY = Path("data/splits/vocabulary.txt")


def check(params: Params) -> None:
    """Check that files, device and launcher exist and fit.

    Raises:
        UserError: one is not; the message names the setting.
    """
    outputs = list(outputs_of(Path("dvc.yaml")))
    source = params.download.source
    if source != "sample" and not fetch.addresses(source):
        check_outside("download.source", source, outputs)
        fetch.read_start(Path(source).expanduser(), source)
    check_launcher(params.train.launcher)
    if params.model.vectors:
        check_outside("model.vectors", params.model.vectors, outputs)
        check_vectors(params.model)
    if params.machine.device not in ("auto", "cpu"):
        from spoilers.models import devices  # imports PyTorch, as do vectors; that takes seconds

        devices.choose(params.machine.device)


def outputs_of(pipeline: Path) -> Iterator[Path]:
    """Yield the outputs that a dvc.yaml names; for a name with `${...}`, the folder above that part."""
    for stage in yaml.safe_load(pipeline.read_text(encoding="utf-8"))["stages"].values():
        stage = stage.get("do", stage)  # a repeated stage
        for kind in ("outs", "metrics", "plots"):
            for output in stage.get(kind, ()):
                name = output if isinstance(output, str) else next(iter(output))
                before, parameter, _ = name.partition("${")
                yield Path(before).parent if parameter and not before.endswith("/") else Path(before)


def check_outside(setting: str, path: str, outputs: list[Path]) -> None:
    """Refuse a file inside an output: DVC deletes outputs before it runs the stage that writes them."""
    file = Path(path).expanduser().resolve()
    for output in outputs:
        if file.is_relative_to(output.resolve()):
            raise UserError(
                f"params.yaml: {setting}: {path} is an output of this pipeline or inside one ({output}),"
                " which DVC deletes before it is written anew; move the file elsewhere"
            )


def check_launcher(launcher: str) -> None:
    """Refuse a command whose program does not exist."""
    try:
        program = shlex.split(launcher)[0]
    except (ValueError, IndexError) as error:
        raise UserError(f"params.yaml: train.launcher: {launcher!r} is no command ({error})") from error
    if not shutil.which(program):
        raise UserError(
            f"params.yaml: train.launcher: there is no program {program!r}; install it or correct it"
        )


def check_vectors(model: Model) -> None:
    """Read the vectors as a training will, with the last run's words; without a run, check only their size.

    Without a last run, there is nothing to lose.
    """
    from spoilers.models import vectors

    if VOCABULARY.is_file():
        vectors.read(model.vectors, Vocabulary.load(VOCABULARY), model.embedding_size)
    else:
        vectors.check_start(model.vectors, model.embedding_size)
