"""The graders' own code, as it travels in a task folder for those who have no Gristmill."""

import ast
import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files as resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tasks.graders import get_grader

_GRADING = "tasks.graders.grading"
_INSIDE = "_inside"


def grader_files(name: str, data: Mapping[str, Any]) -> dict[str, bytes]:
    """Path -> content below `tests/grader/`, of a grader and of those that its data names (`grader: NAME`)."""
    return _files_of(tuple(sorted({name, *_named(data)})))


def _named(data: Any) -> Iterator[str]:
    if isinstance(data, Mapping):
        if isinstance(name := data.get("grader"), str):
            yield name
        data = data.values()
    if isinstance(data, str) or not hasattr(data, "__iter__"):
        return
    for each in data:
        yield from _named(each)


@lru_cache(maxsize=64)
def _files_of(names: tuple[str, ...]) -> dict[str, bytes]:
    classes = {name: type(get_grader(name)) for name in names}
    places = {name: f"{each.__module__}:{each.__qualname__}" for name, each in classes.items()}
    found = {
        "grade.py": (resources("tasks.templates") / "_standalone_grade.py").read_bytes(),
        "graders.json": (json.dumps(places, indent=1) + "\n").encode(),
        "tasks/__init__.py": b"",
        "tasks/graders/__init__.py": (resources("tasks.templates") / "_standalone_graders.py").read_bytes(),
    }
    waiting = [_GRADING, *(each.__module__ for each in classes.values())]
    seen: set[str] = set()
    while waiting:
        module = waiting.pop()
        if module in seen or module in ("tasks", "tasks.graders"):
            continue
        seen.add(module)
        if (file := _file_of(module)) is None:
            continue
        content = file.read_bytes()
        path = module.replace(".", "/") + ("/__init__" if file.name == "__init__.py" else "") + ".py"
        found[path] = content
        parts = module.split(".")
        for depth in range(1, len(parts)):
            found.setdefault("/".join(parts[:depth]) + "/__init__.py", b"")
        if _INSIDE.encode() in content:  # programs that run in the sandbox, read as files
            found |= _programs(file.parent / _INSIDE, path.rpartition("/")[0])
        waiting += _imports(content, module, file.name == "__init__.py")
    return dict(sorted(found.items()))


def _file_of(module: str) -> Path | None:
    try:
        spec = find_spec(module)
    except (ImportError, ValueError):
        return None
    return Path(spec.origin) if spec is not None and spec.origin and spec.origin.endswith(".py") else None


def _programs(folder: Path, below: str) -> dict[str, bytes]:
    files = (file for file in sorted(folder.rglob("*")) if file.is_file() and "__pycache__" not in file.parts)
    return {f"{below}/{_INSIDE}/{file.relative_to(folder).as_posix()}": file.read_bytes() for file in files}


def _imports(content: bytes, module: str, is_package: bool) -> Iterator[str]:
    """Modules that a grader's module imports from its own distribution; those of the standard library are there."""
    own = "tasks.graders" if module.startswith("tasks.") else module.partition(".")[0]
    package = module if is_package else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(content)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *filter(None, [node.module])])
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        else:
            continue
        yield from (name for name in names if name == own or name.startswith(f"{own}."))
