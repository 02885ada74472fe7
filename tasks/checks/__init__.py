"""Checks that a task carries hidden: pytest files that run in the sandbox, standard library and pytest alone.

Each is a file here with an empty `DATA`; `check_file` fills it in for one task, so that what judges is one readable
file that needs nothing else, here and in a folder for Harbor.
"""

import hashlib
import pprint
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from tasks.errors import TaskFault
from tasks.source import Source

EMPTY = "DATA: dict[str, Any] = {}\n"


def check_file(name: str, data: Mapping[str, Any]) -> bytes:
    """The file `tasks/checks/NAME.py` with `data` (plain Python values) in it. Raises TaskFault for an unknown name."""
    place = files("tasks.checks") / f"{name}.py"
    if not place.is_file():
        raise TaskFault(f"there is no check {name!r} in tasks/checks/")
    text = place.read_text(encoding="utf-8")
    if text.count(EMPTY) != 1:
        raise TaskFault(f"tasks/checks/{name}.py must hold the line {EMPTY.strip()!r} exactly once")
    written = pprint.pformat(dict(data), width=110, sort_dicts=False)
    return text.replace(EMPTY, f"DATA: dict[str, Any] = {written}\n").encode()


def code_digest(source: Source, without: str) -> dict[str, Any]:
    """What a check compares to know that no other Python file of the code was changed than `without`."""
    paths = [path for path in source.python_files() if path != without]
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.encode() + b"\0" + hashlib.sha256((source.code / path).read_bytes()).digest())
    return {"paths": paths, "digest": digest.hexdigest()}


def module_name(path: str, import_paths: tuple[str, ...]) -> str:
    """Dotted name under which a file is imported: 'src/a/b.py' → 'a.b' where 'src' is an import path."""
    for folder in sorted(import_paths, key=len, reverse=True):
        prefix = f"{folder}/" if folder else ""
        if path.startswith(prefix):
            path = path[len(prefix) :]
            break
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
