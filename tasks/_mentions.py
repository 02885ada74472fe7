"""Who can notice a change in the body of a class: tests that execute a line in which its name occurs, or name it.

The body of a class runs when it is imported, so coverage does not tell whom it matters to. But whoever uses a class or
an attribute of it names it, or a subclass, or a variable made from them at import. Names that are put together at run
time escape this; what then is overlooked is a failing test, never the cause of a wrong task.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tasks._statements import functions_of, is_plain, own_lines
from tasks.repository import Repository
from tasks.source import Source

_WORD = re.compile(r"\w+")
# What makes classes known without their name: then every test may notice.
_FINDS_CLASSES = re.compile(
    rb"__subclasses__|__init_subclass__|getmembers|entry_points|\bglobals\(\)|\bmetaclass\b|iter_modules"
)
_BY_BASES = re.compile(rb"__subclasses__|__init_subclass__|\bmetaclass\b")


def tests_naming(names: set[str], bases: set[str], repository: Repository) -> set[int] | None:
    """Indexes into the stable tests of those that may notice a change of what these names stand for; None: all may.

    `bases`: names of the classes that they are found by, where somebody asks a class for its subclasses.
    """
    code = repository.source.code
    paths = _python_files(repository.source)
    words = set(names)
    known = 0
    while known < len(words):  # grows to names that are made from them at import
        known = len(words)
        for path in paths:
            file = _at_import_of(code / path)
            if file is None or file.finding & words or file.finding_by_base & bases:
                return None
            for made, mentioned in file.at_import:
                if mentioned & words and not made:
                    return None  # a call at import that keeps nothing by name, such as a registration
                if mentioned & words:
                    words |= made
            words |= _of_functions(path, words, repository)
    found: set[int] = set()
    for path in paths:
        reached = repository.reached_by.get(path, {})
        if reached:
            content = (code / path).read_bytes()
            for line in _lines_with(words, content):
                for own in own_lines(content, line):
                    found.update(reached.get(own, ()))
    protected = repository.source.protected
    naming = {path.relative_to(protected).as_posix() for path in protected.rglob("*.py")
              if path.is_file() and next(_places_of(words, path.read_bytes()), None) is not None}  # fmt: skip
    if any(path.endswith("conftest.py") for path in naming):
        return None
    found.update(at for at, test in enumerate(repository.stable_tests) if test.split("::")[0] in naming)
    return found


def _of_functions(path: str, words: set[str], repository: Repository) -> set[str]:
    """Names of functions in which one of the words stands, and which import has run."""
    unseen = repository.import_lines.get(path, ())
    content = (repository.source.code / path).read_bytes() if unseen else b""
    lines = _lines_with(words, content)
    return {
        name
        for name, first, last in (_functions_in(repository.source.code / path) if lines else ())
        if any(first <= line <= last for line in lines) and any(first <= line <= last for line in unseen)
    }


def _lines_with(words: set[str], content: bytes) -> set[int]:
    """Numbers of the lines in which one of them stands."""
    lines, line, last = set(), 1, 0
    for at in sorted(_places_of(words, content)):
        line += content.count(b"\n", last, at)
        last = at
        lines.add(line)
    return lines


def _places_of(words: set[str], content: bytes) -> Iterator[int]:
    """Found one by one, which is ten times as fast as a pattern of them all."""
    for word in map(str.encode, words):
        at = content.find(word)
        while at >= 0:
            end = at + len(word)
            if not _is_in_word(content[at - 1 : at]) and not _is_in_word(content[end : end + 1]):
                yield at
            at = content.find(word, end)


def _is_in_word(byte: bytes) -> bool:
    return byte.isalnum() or byte == b"_"


@dataclass(frozen=True)
class _File:
    """Of each statement that runs at import the names that it makes, and the words in it.

    `finding`: all words of a file that finds classes without their names; `finding_by_base`: that finds them by a base.
    """

    at_import: tuple[tuple[frozenset[str], frozenset[str]], ...]
    finding: frozenset[str]
    finding_by_base: frozenset[str]


# What follows is asked of every file of a source again and again: they lie in the cache, and do not change there.


@lru_cache(maxsize=8)
def _python_files(source: Source) -> tuple[str, ...]:
    return tuple(source.python_files())


@lru_cache(maxsize=4096)
def _functions_in(file: Path) -> tuple[tuple[str, int, int], ...]:
    return tuple(functions_of(file.read_bytes()))


@lru_cache(maxsize=4096)
def _at_import_of(file: Path) -> _File | None:
    """None: it cannot be read."""
    content = file.read_bytes()
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return None
    text = content.decode(errors="replace")
    lines = text.splitlines()
    at_import = [
        (frozenset(made), frozenset(word for line in lines[first - 1 : last] for word in _WORD.findall(line)))
        for made, first, last in _statements(tree.body)
    ]
    at_import += [(frozenset({other}), frozenset({name})) for name, other in _renamed(tree)]
    in_text = frozenset(_WORD.findall(text)) if _FINDS_CLASSES.search(content) else frozenset()
    return _File(tuple(at_import), in_text, in_text if _BY_BASES.search(content) else frozenset())


def _renamed(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Names that are imported as others."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((alias.name.split(".")[-1], alias.asname) for alias in node.names if alias.asname)


def _statements(body: list[ast.stmt]) -> Iterator[tuple[set[str], int, int]]:
    """Names that each makes (none: it does something else), its lines without the bodies of functions and classes."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            yield {node.name} if is_plain(node) else set(), first, max(node.lineno, node.body[0].lineno - 1)
            if isinstance(node, ast.ClassDef):
                yield from _statements(node.body)
        elif isinstance(node, ast.If | ast.Try | ast.With | ast.For | ast.While):
            for part in ("body", "orelse", "finalbody"):
                yield from _statements(getattr(node, part, []))
            for handler in getattr(node, "handlers", []):
                yield from _statements(handler.body)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            continue  # see `_renamed`
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if all(_tells_only_people(target) for target in targets):
                continue
            parts = [each for target in targets for each in ast.walk(target)]
            made = {each.id for each in parts if isinstance(each, ast.Name)}
            made |= {each.attr for each in parts if isinstance(each, ast.Attribute)}
            yield made, node.lineno, node.end_lineno or node.lineno
        elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)) and not isinstance(
            node, ast.Pass
        ):
            yield set(), node.lineno, node.end_lineno or node.lineno


def _tells_only_people(target: ast.expr) -> bool:
    """What is kept there changes what is listed and read, and not what runs: who uses a name of it says the name."""
    name = target.id if isinstance(target, ast.Name) else target.attr if isinstance(target, ast.Attribute) else ""
    return name in ("__all__", "__doc__")
