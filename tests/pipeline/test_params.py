"""params.yaml is kept as DVC writes it, so that an experiment changes what it sets and nothing else."""

import shutil
from difflib import unified_diff
from pathlib import Path

import pytest
from dvc.utils.hydra import apply_overrides

from tests import ROOT


@pytest.mark.parametrize(
    ("setting", "lines"),
    [
        ("seed=14", 1),
        ("optimizer=sgd", 1),
        ("optimizers.adam.settings.eps=1.0e-06", 1),
        ("download.source=goodreads", 1),
        ("model.hidden_size=128", 1),
        ("model.vectors=glove.6B.100d.txt", 1),
        ("clean.mask_spoiler_word=true", 1),
        ("train.launcher='torchrun --standalone --nproc-per-node=2 -m'", 1),
        ("machine.device=cpu", 1),
        ("optimizer=adam", 0),
    ],
)
def test_a_setting_through_dvc_changes_its_line(tmp_path: Path, setting: str, lines: int) -> None:
    shutil.copy(ROOT / "params.yaml", tmp_path)
    apply_overrides(tmp_path / "params.yaml", [setting])
    before, after = ((folder / "params.yaml").read_text() for folder in (ROOT, tmp_path))
    changed = list(unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm=""))[2:]
    assert len([line for line in changed if line.startswith("-")]) == lines, "\n".join(changed)
    assert len([line for line in changed if line.startswith("+")]) == lines, "\n".join(changed)
