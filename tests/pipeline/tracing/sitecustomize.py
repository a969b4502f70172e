"""Record which parameters each stage reads, and which of the project's files it reads and writes.

Python imports the first `sitecustomize` on its path whenever it starts. With this folder in PYTHONPATH and
a folder for the records in TRACE, every process of a stage is watched (DVC names the stage in DVC_STAGE),
including workers that it spawns and forks. The project's code is not aware of it.

A record is a file with a line per event: what happened, a tab, and the parameter's or the file's name.
"""

import importlib.util
import os
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = os.environ.get("DVC_ROOT", "")


class Record:
    """A file that takes each line once."""

    def __init__(self, path: str) -> None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        self.file = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        self.seen: set[str] = set()

    def __call__(self, what: str, name: str) -> None:
        line = f"{what}\t{name}\n"
        if line not in self.seen:
            self.seen.add(line)
            os.write(self.file, line.encode())

    def path(self, what: str, path: object) -> None:
        """Record a path inside the project, unless a part of it is hidden: `.git`, `.x.partial`, ..."""
        if not isinstance(path, str | bytes | os.PathLike):
            return  # a number means a file that is already open
        name = os.path.relpath(os.path.abspath(os.fsdecode(path)), ROOT)
        parts = name.split(os.sep)
        if not any(part.startswith(".") or part == "__pycache__" for part in parts):
            self(what, name)


def watch_files(record: Record) -> None:
    """Record what Python itself opens, lists and renames."""

    def hook(event: str, arguments: tuple) -> None:
        if event == "open":
            path, _, flags = arguments
            if not flags & os.O_DIRECTORY:  # a folder opened so is only for `fsync`
                record.path("write" if flags & (os.O_WRONLY | os.O_RDWR) else "read", path)
        elif event in ("os.listdir", "os.scandir"):
            record.path("list", arguments[0])
        elif event == "os.rename":
            record.path("write", arguments[1])

    sys.addaudithook(hook)


def name_sections(section: type, part: object, name: str) -> None:
    """Put its own full name beside the values of each section."""
    vars(part)["_traced"] = name
    for field in type(part).model_fields:
        if isinstance(vars(part)[field], section):
            name_sections(section, vars(part)[field], f"{name}{field}.")


def record_leaves(record: Record, values: dict, name: str, replaced: Iterable[str] = ()) -> None:
    """Record the full name of each setting in `values` that was not replaced."""
    for key, value in values.items():
        if key in replaced:
            continue
        if isinstance(value, dict):
            record_leaves(record, value, f"{name}{key}.")
        else:
            record("setting", name + key)


def watch_params(record: Record, module: object) -> None:
    """Record the full name of each setting that is read from the result of `params.load`.

    Each section keeps its own name beside its values, where copies and other processes still find it. A
    value that replaces a setting in a copy does not count.
    """
    section, load = module.Section, module.load
    dump, iterate, copy = section.model_dump, section.__iter__, section.model_copy

    def load_and_name(*arguments: object) -> object:
        loaded = load(*arguments)
        name_sections(section, loaded, "")
        return loaded

    def get(self: object, field: str) -> object:
        value = object.__getattribute__(self, field)
        values = object.__getattribute__(self, "__dict__")
        is_setting = field in values and "_traced" in values and not isinstance(value, section)
        if is_setting and field not in values.get("_replaced", ()):
            record("setting", values["_traced"] + field)
        return value

    def copy_and_note(self: object, *, update: dict | None = None, deep: bool = False) -> object:
        copied = copy(self, update=update, deep=deep)
        vars(copied)["_replaced"] = {*vars(self).get("_replaced", ()), *(update or ())}
        return copied

    def iterate_all(self: object) -> object:
        return ((field, getattr(self, field)) for field, _ in iterate(self))

    def dump_all(self: object, **options: object) -> dict:
        dumped = dump(self, **options)
        if "_traced" in vars(self):
            record_leaves(record, dumped, vars(self)["_traced"], vars(self).get("_replaced", ()))
        return dumped

    module.load = load_and_name
    section.__getattribute__, section.__iter__ = get, iterate_all
    section.model_dump, section.model_copy = dump_all, copy_and_note


def watch_first_argument(record: Record, what: str, owner: object, name: str) -> None:
    """Record the path that a function or an `__init__` takes first.

    This is for libraries that open files outside Python, unseen by audit hooks.
    """
    original = getattr(owner, name)
    at = 1 if name == "__init__" else 0

    def watched(*arguments: object, **options: object) -> object:
        paths = arguments[at] if len(arguments) > at else next(iter(options.values()), None)
        for path in paths if isinstance(paths, list | tuple) else [paths]:
            record.path(what, path)
        return original(*arguments, **options)

    setattr(owner, name, watched)


def watch_parquet(record: Record, module: object) -> None:
    for reader in (module.ParquetFile, module.ParquetDataset):
        watch_first_argument(record, "read", reader, "__init__")
    watch_first_argument(record, "write", module.ParquetWriter, "__init__")


def watch_arrow(record: Record, module: object) -> None:
    for name in ("memory_map", "OSFile", "input_stream"):
        watch_first_argument(record, "read", module, name)


def watch_safetensors(record: Record, module: object) -> None:
    watch_first_argument(record, "read", module, "safe_open")


WATCHERS = {
    "spoilers.core.params": watch_params,
    "pyarrow": watch_arrow,
    "pyarrow.parquet.core": watch_parquet,
    "safetensors": watch_safetensors,
}


class Finder:
    """Lets a watcher see a module as soon as it is imported."""

    def __init__(self, record: Record) -> None:
        self.record, self.left = record, dict(WATCHERS)

    def find_spec(self, name: str, path: object = None, target: object = None) -> object:
        if name not in self.left:
            return None
        watch = self.left.pop(name)
        spec = importlib.util.find_spec(name)
        if spec is None:
            return None
        execute = spec.loader.exec_module

        def execute_and_watch(module: object) -> None:
            execute(module)
            watch(self.record, module)

        spec.loader.exec_module = execute_and_watch
        return spec


if os.environ.get("TRACE") and os.environ.get("DVC_STAGE"):
    RECORD = Record(f"{os.environ['TRACE']}/{os.environ['DVC_STAGE']}/{os.getpid()}")
    watch_files(RECORD)
    sys.meta_path.insert(0, Finder(RECORD))
