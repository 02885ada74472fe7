"""The check file that a refactor's task carries: its tests, and of the check library what they call."""

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from importlib.resources import files

from tasks.generators.refactor import _check_library as library
from tasks.generators.refactor._plan import Check
from tasks.generators.refactor._project import Project, is_python

CHECK_FILE = "tests/test_gristmill_refactor.py"

_HEAD = '''\
"""Is the refactor whole? These tests read the code that it left and hold whichever way it was done.

What the code does is tested by the repository's own tests, beside this file.
"""
'''


def check_file(checks: Sequence[Check], not_code: Iterable[str]) -> bytes:
    """A pytest file that needs nothing but the standard library."""
    tests = [f"def test_{each.name}():\n" + "".join(f"    {line}\n" for line in each.lines) for each in checks]
    parts = _needed("\n".join(tests))
    imports = [part for name, part in parts if name == ""]
    constants = [part for name, part in parts if name.isupper()]
    functions = [part for name, part in parts if name and not name.isupper()]
    left_out = [*not_code, *([] if any(CHECK_FILE.startswith(f"{each}/") for each in not_code) else [CHECK_FILE])]
    text = "\n".join([_HEAD, *imports, "", *constants])
    text = text.replace("NOT_CODE: tuple[str, ...] = ()", f"NOT_CODE = {tuple(sorted(left_out))!r}")
    return ("\n\n\n".join([text, *functions, *(test.rstrip() for test in tests)]) + "\n").encode()


def besides(name: str, project: Project, after: Mapping[str, bytes]) -> dict[str, int]:
    """How often code has a name in the solved state, for something else, by path. `after`: the files that differ."""
    count: dict[str, int] = {}
    texts = {path: file.data for path, file in project.code.items() if name in file.names or name.encode() in file.data}
    for path, data in {**texts, **after}.items():
        if is_python(data) and (path in project.code or path not in project.files):
            found = sum(each == name for each, _ in library.identifiers(ast.parse(data)))
            if found:
                count[path] = found
    return dict(sorted(count.items()))


def slug(*words: str) -> str:
    """A piece of a test's name."""
    return re.sub(r"\W+", "_", "_".join(words)).strip("_")


@lru_cache(maxsize=1)
def _library() -> tuple[tuple[str, str, frozenset[str]], ...]:
    """Name ('' for imports), text and used names of each top-level statement."""
    text = files("tasks.generators.refactor").joinpath("_check_library.py").read_text(encoding="utf-8")
    found = []
    for node in ast.parse(text).body[1:]:
        first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])
        part = "\n".join(text.splitlines()[first - 1 : node.end_lineno]).replace("  # type: ignore[attr-defined]", "")
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = frozenset(alias.asname or alias.name for alias in node.names)
            found.append(("", part, names))
            continue
        name = getattr(node, "name", None) or ast.unparse(getattr(node, "target", None) or node.targets[0])  # type: ignore[attr-defined]
        found.append((name, part, frozenset(each.id for each in ast.walk(node) if isinstance(each, ast.Name))))
    return tuple(found)


def _needed(tests: str) -> list[tuple[str, str]]:
    """Statements of the library that the tests lead to, in the library's order."""
    wanted = {node.id for node in ast.walk(ast.parse(tests)) if isinstance(node, ast.Name)}
    while True:
        more = {used for name, _, names in _library() if name in wanted for used in names} - wanted
        if not more:
            break
        wanted |= more
    return [(name, part) for name, part, names in _library() if (name in wanted if name else names & wanted)]
