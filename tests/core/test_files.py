"""Files appear whole or not at all."""

import errno

import pytest

from spoilers.core import errors, files


def test_replacing_leaves_the_old_file_when_writing_fails(tmp_path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(ValueError), files.replacing(path) as partial:
        partial.write_text("half")
        raise ValueError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_one_line(tmp_path) -> None:
    with (
        pytest.raises(errors.UserError, match="No space left"),
        files.replacing(tmp_path / "file") as partial,
    ):
        partial.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_replacing_folder(tmp_path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "old").touch()
    with pytest.raises(ValueError), files.replacing_folder(folder) as partial:
        (partial / "half").touch()
        raise ValueError
    assert [path.name for path in folder.iterdir()] == ["old"]
    with files.replacing_folder(folder) as partial:
        (partial / "new").touch()
    assert [path.name for path in folder.iterdir()] == ["new"]
    assert list(tmp_path.iterdir()) == [folder]


def test_json_is_strict(tmp_path) -> None:
    with pytest.raises(ValueError):
        files.write_json(tmp_path / "a.json", {"score": float("nan")})
    assert list(tmp_path.iterdir()) == []
    files.write_json(tmp_path / "a.json", {"score": 0.5})
    assert files.read_json(tmp_path / "a.json") == {"score": 0.5}


def test_a_mistake_is_one_line(capsys) -> None:
    def main() -> None:
        raise errors.UserError("a\n  b")

    with pytest.raises(SystemExit) as stopped:
        errors.run(main)
    assert stopped.value.code == "error: a b"
