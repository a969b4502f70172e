"""Test how cells that run at once share the machine."""

from spoilers.studies.sweep import share, visible_gpus


def test_every_core_serves_one_job() -> None:
    shares = [share(place, 3, list(range(8)), []) for place in range(3)]
    assert sorted(core for cores, _ in shares for core in cores) == list(range(8))
    assert [variables for _, variables in shares] == [{"OMP_NUM_THREADS": n} for n in ("3", "3", "2")]


def test_more_jobs_than_cores_share_them() -> None:
    assert [share(place, 3, [4, 6], [])[0] for place in range(3)] == [[4], [6], [4]]


def test_each_job_has_a_gpu_of_its_own() -> None:
    devices = [share(place, 3, [0], ["2", "5"])[1]["CUDA_VISIBLE_DEVICES"] for place in range(3)]
    assert devices == ["2", "5", "2"]


def test_gpus_are_those_that_the_user_has_chosen(monkeypatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    assert visible_gpus("auto") == ["2", "5"]
    assert visible_gpus("cpu") == []
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert visible_gpus("cuda") == []
