"""Files appear whole or not at all."""

import errno
import os
import stat
import subprocess
import sys

import pytest

from spoilers.core import errors, files
from tests import ROOT


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


def other_process(path, then: str) -> subprocess.Popen:
    """Start a process that opens `path` for writing and then runs code."""
    code = f"""
import sys, os, signal, time
from spoilers.core.files import replacing, replacing_folder
with (replacing_folder if {str(path)!r}.endswith("folder") else replacing)({str(path)!r}) as partial:
    print("open", flush=True)
    {then}
"""
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdin=-1, stdout=-1, text=True)
    assert process.stdout.readline() == "open\n"
    return process


def write(path, text: str) -> None:
    if path.name == "folder":
        with files.replacing_folder(path) as partial:
            (partial / "file").write_text(text)
    else:
        files.write_text(path, text)


@pytest.mark.parametrize("name", ["file", "folder"])
def test_a_second_run_says_which_output_is_taken(tmp_path, name) -> None:
    path = tmp_path / name
    with other_process(path, "sys.stdin.read()") as other:
        with pytest.raises(errors.UserError, match=f"/{name}: another process is writing it"):
            write(path, "mine")
        assert len(list(tmp_path.iterdir())) == 1  # the other's partial file
        other.communicate("")
    assert other.returncode == 0
    write(path, "mine")


@pytest.mark.parametrize("name", ["file", "folder"])
def test_what_a_killed_process_left_is_replaced(tmp_path, name) -> None:
    path = tmp_path / name
    with other_process(path, "os.kill(os.getpid(), signal.SIGKILL)") as killed:
        killed.wait()
    assert [left.name for left in tmp_path.iterdir()] == [f".{name}.partial"]
    write(path, "mine")
    assert [there.name for there in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("plant", ["link", "link to a folder", "dangling link", "pipe", "folder"])
@pytest.mark.parametrize("name", ["file", "folder"])
def test_what_is_planted_under_the_partial_name_is_not_followed(tmp_path, name, plant) -> None:
    victim, place = tmp_path / "victim", tmp_path / "out"
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/file").write_text("kept")
    victim.write_text("kept")
    place.mkdir()
    partial = place / f".{name}.partial"
    match plant:
        case "link":
            partial.symlink_to(victim)
        case "link to a folder":
            partial.symlink_to(tmp_path / "kept")
        case "dangling link":
            partial.symlink_to(tmp_path / "new")
        case "pipe":
            os.mkfifo(partial)
        case "folder":
            partial.mkdir()
    write(place / name, "mine")
    assert [there.name for there in place.iterdir()] == [name] and not (place / name).is_symlink()
    assert victim.read_text() == (tmp_path / "kept/file").read_text() == "kept"
    assert not (tmp_path / "new").exists()


def test_modes(tmp_path) -> None:
    """A new file follows the umask; an existing one keeps its mode."""
    path = tmp_path / "file"
    before = os.umask(0o027)
    try:
        write(path, "new")
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        path.chmod(0o604)
        write(path, "again")
        assert stat.S_IMODE(path.stat().st_mode) == 0o604
    finally:
        os.umask(before)


def test_outputs_are_on_the_disk_before_they_have_their_names(tmp_path, monkeypatch) -> None:
    """Sync the name, too, before the program goes on."""
    done = []
    fsync, replace = os.fsync, os.replace

    def record_sync(descriptor: int) -> None:
        done.append(f"sync {os.path.basename(os.readlink(f'/proc/self/fd/{descriptor}'))}")
        fsync(descriptor)

    def record_rename(old, new) -> None:
        done.append(f"rename {os.path.basename(old)}")
        replace(old, new)

    monkeypatch.setattr(files.os, "fsync", record_sync)
    monkeypatch.setattr(files.os, "replace", record_rename)
    write(tmp_path / "file", "text")
    assert done == ["sync .file.partial", "rename .file.partial", f"sync {tmp_path.name}"]
    done.clear()
    write(tmp_path / "folder", "text")
    partial = ".folder.partial"
    assert done == ["sync file", f"sync {partial}", f"rename {partial}", f"sync {tmp_path.name}"]


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path) -> None:
    (tmp_path / "file").touch()
    for act in (files.replacing, files.replacing_folder, files.scratch_folder):
        with (
            pytest.raises(errors.UserError, match="below: could not be written"),
            act(tmp_path / "file/below"),
        ):
            pass
    with pytest.raises(errors.UserError, match="name too long"):
        files.write_text(tmp_path / ("x" * 256), "text")


def test_an_error_about_another_file_is_not_the_outputs(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match="missing"), files.replacing(tmp_path / "file"):
        (tmp_path / "missing").read_text()
    assert list(tmp_path.iterdir()) == []


# Errors.


def fails_with(error: BaseException) -> str | int:
    def main() -> None:
        raise error

    with pytest.raises(SystemExit) as stopped:
        errors.run(main)
    return stopped.value.code


def test_an_unforeseen_error_is_one_line_with_the_way_to_a_traceback(monkeypatch) -> None:
    assert fails_with(ValueError("a\nb")) == "error: ValueError: a b (set SPOILERS_DEBUG=1 to see where)"
    assert fails_with(OSError(errno.ENOSPC, "No space left on device", "a.csv")) == (
        "error: a.csv: No space left on device"
    )
    assert fails_with(MemoryError()) == "error: there is not enough memory"
    assert fails_with(KeyboardInterrupt()) == 130
    monkeypatch.setenv("SPOILERS_DEBUG", "1")
    with pytest.raises(ValueError, match="a"):
        errors.run(lambda: int("a"))


def test_closed_standard_streams_do_not_become_data_files(tmp_path) -> None:
    code = """
import os, sys
from spoilers.core import errors
def main():
    with open("data", "w") as file:
        assert file.fileno() > 2
        print("words")
        os.write(1, b"words")
        assert sys.stdin.read() == ""
errors.run(main)
"""
    command = f'"{sys.executable}" -c "$CODE" <&- >&- 2>&-'
    environment = os.environ | {"PYTHONPATH": str(ROOT), "CODE": code}
    assert subprocess.run(command, shell=True, cwd=tmp_path, env=environment).returncode == 0
    assert (tmp_path / "data").read_text() == ""


def test_garbage_is_collected_while_a_stage_runs(tmp_path) -> None:
    """Not while it is imported: `stages` turns the collector off until then."""
    stage = tmp_path / "stages"
    stage.mkdir()
    (stage / "__init__.py").write_text((ROOT / "stages/__init__.py").read_text())
    (stage / "look.py").write_text(
        "import gc\nfrom spoilers.core.errors import run\n"
        "print(gc.isenabled())\nrun(lambda: print(gc.isenabled()))\n"
    )
    command = [sys.executable, "-m", "stages.look"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.stdout.split() == ["False", "True"], done.stderr
