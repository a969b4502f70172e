"""Check what DVC shows of the real results, as people see it: 120 columns, chosen plots."""

import json
import re

import pytest
import yaml

from tests import ROOT
from tests.pipeline.conftest import Project

pytestmark = pytest.mark.xdist_group("pipeline")

COLUMNS = 120
METRICS, PLOTS = (yaml.safe_load((ROOT / "dvc.yaml").read_text())[name] for name in ("metrics", "plots"))


def test_metrics_fit_and_have_no_blank(built: Project) -> None:
    header, *rows = built.dvc("metrics", "show").splitlines()
    assert [row.split()[0] for row in rows] == METRICS
    assert METRICS[:2] == ["reports/metrics/lstm.json", "reports/metrics/gru.json"]
    assert len(header.split()) - 1 <= 8
    assert "seconds" not in header
    for row in rows:
        assert len(row.split()) == len(header.split())
        assert len(row) <= COLUMNS


def test_plots_are_those_of_dvc_yaml(project: Project) -> None:
    project.dvc("plots", "show")
    page = (project.folder / "dvc_plots/index.html").read_text()
    titles = [next(iter(plot)) for plot in PLOTS]
    assert page.count("vegaEmbed(") == len(titles)
    assert "<img" not in page
    specs = [json.loads(spec) for spec in re.findall(r"var spec = (\{.*\});\n", page)]
    drawn = {text_of(spec["title"]): spec for spec in specs}
    assert list(drawn) == titles
    for title in titles:
        if title.startswith("Optimizers"):
            assert drawn[title]["encoding"]["color"]["title"] == "optimizer"
            assert "!== ''" in drawn[title]["transform"][0]["filter"]  # or else DVC draws it as 0
    assert drawn["Optimizers: sensitivity to the learning rate"]["encoding"]["x"]["scale"] == {"type": "log"}


def text_of(title: str | dict) -> str:
    return title["text"] if isinstance(title, dict) else title
