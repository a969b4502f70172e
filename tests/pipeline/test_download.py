"""Downloads and users' files survive DVC, which deletes outputs before a stage runs."""

from pathlib import Path

import pytest

from tests.corpus.test_fetch import NEW, refuse, serve, server  # noqa: F401
from tests.pipeline.conftest import Project
from tests.pipeline.stubs import commit, copy_sources

pytestmark = pytest.mark.xdist_group("pipeline")
REVIEWS = "data/raw/reviews.json.gz"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Make a clone without any runs."""
    copy_sources(tmp_path / "project")
    commit(tmp_path / "project")
    return Project(tmp_path / "project", {"NO_PROXY": "127.0.0.1"})


def test_nothing_is_downloaded_twice(project: Project, server) -> None:  # noqa: F811
    """Change the seed and the sample, with the server down."""
    server.script = [serve, lambda handler: refuse(handler, 404)]
    project.set_params({"download.source": server.url})
    project.dvc("repro", "download")
    assert (project.folder / REVIEWS).read_bytes() == NEW
    for changes in ({"seed": 14}, {"download.sample.reviews": 500}):
        project.set_params(changes)
        assert "is here already" in project.dvc("repro", "download")
        assert (project.folder / REVIEWS).read_bytes() == NEW
    assert len(server.asked) == 1


def test_a_users_file_in_the_place_of_an_output_is_not_deleted(project: Project) -> None:
    """Refuse it in `check`, before DVC deletes it."""
    mine = project.folder / REVIEWS
    mine.parent.mkdir(parents=True, exist_ok=True)
    mine.write_bytes(NEW)
    project.set_params({"download.source": REVIEWS})
    assert "is an output of this pipeline" in project.dvc("repro", "download", fails=True)
    assert mine.read_bytes() == NEW
