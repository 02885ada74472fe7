"""Who can notice a change in the body of a class: tests that execute a line in which its name occurs, or name it.

The body of a class runs when it is imported, so coverage does not tell whom it matters to. But whoever uses a class or
an attribute of it names it, or a subclass, or a variable made from them at import. Names that are put together at run
time escape this; what then is overlooked is a failing test, never the cause of a wrong task.
"""

import ast
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tasks._statements import clean_text, functions_of, is_plain, own_lines, statements_of, tree_of
from tasks.repository import Repository
from tasks.source import Source

_WORD = re.compile(r"\w+")
# What makes classes known without their name: then every test may notice.
_FINDS_CLASSES = re.compile(
    rb"__subclasses__|__init_subclass__|getmembers|entry_points|\bglobals\(\)|\bmetaclass\b|iter_modules"
)
_ASKED_FOR_SUBCLASSES = re.compile(r"(\w+)\s*\.\s*__subclasses__")
_BY_BASES = re.compile(rb"__subclasses__|__init_subclass__|\bmetaclass\b")


def tests_naming(names: set[str], bases: set[str], repository: Repository) -> set[int] | None:
    """Indexes into the stable tests of those that may notice a change of what these names stand for; None: all may.

    `bases`: names of the classes that they are found by, where somebody asks a class for its subclasses.
    """
    mentions = _mentions_of(_Same(repository))
    words = mentions.grown(names)
    if words is None or mentions.are_sought(bases):
        return None
    found: set[int] = set()
    for path, file in mentions.files.items():
        reached = repository.reached_by.get(path, {})
        if reached:
            content = clean_text(file) or b""
            own = {each for line in _lines_with(words, file) for each in own_lines(content, line)}
            # many lines have the same tests, and then one list of them
            found.update(*{id(tests): tests for tests in (reached.get(line, ()) for line in own)}.values())
    naming = {path for path, file in protected_files(repository.source) if _lines_with(words, file)}
    if any(path.endswith("conftest.py") for path in naming):
        return None
    found.update(at for at, test in enumerate(repository.stable_tests) if test.split("::")[0] in naming)
    return found


class _Same:
    """Found in a cache by what it is, not by what is in it: a repository is large, and does not change."""

    def __init__(self, repository: Repository) -> None:
        self.repository = repository

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.repository is self.repository

    def __hash__(self) -> int:
        return id(self.repository)


class _Mentions:
    """Which names are made from which when a source is imported."""

    def __init__(self, repository: Repository) -> None:
        code = repository.source.code
        self.files = {path: code / path for path in repository.source.python_files()}
        self._parts = [_at_import_of(file) for file in self.files.values()]
        self._unseen = {path: repository.import_lines.get(path, ()) for path in self.files}
        self._finding_by_base = frozenset(word for part in self._parts if part for word in part.finding_by_base)
        self._asked = frozenset(word for part in self._parts if part for word in part.asked)
        self._made: dict[str, frozenset[str] | None] = {}

    def are_sought(self, bases: set[str]) -> bool:
        """Somebody finds classes by one of these: what is done with subclasses, a source says of its own classes."""
        own = {base for base in bases if any(base in part.made.get(base, ()) for part in self._parts if part)}
        return bool(own & self._finding_by_base or bases & self._asked)

    def grown(self, names: set[str]) -> set[str] | None:
        """These names and all that are made from them; None: every test may notice."""
        if None in self._parts:
            return None
        words, new = set(names), list(names)
        while new:
            made = self._made_from(new.pop())
            if made is None:
                return None
            new += made - words
            words |= made
        return words

    def _made_from(self, word: str) -> frozenset[str] | None:
        """Names whose statements at import, or functions that import has run, have the word in them."""
        if word not in self._made:
            self._made[word] = self._look(word)
        return self._made[word]

    def _look(self, word: str) -> frozenset[str] | None:
        made: set[str] = set()
        for part, (path, file) in zip(self._parts, self.files.items(), strict=True):
            if part is None or word in part.finding or word in part.registering:
                return None
            made.update(part.made.get(word, ()), _functions_with(word, file, self._unseen[path]))
        return frozenset(made)


def _functions_with(word: str, file: Path, unseen: tuple[int, ...]) -> Iterator[str]:
    """Names of functions in which the word stands, and which import has run."""
    lines = _places_in(file).lines_with(word) if unseen else ()
    for name, first, last in _functions_run(file, unseen) if lines else ():
        if bisect_left(lines, first) < bisect_right(lines, last):
            yield name


@lru_cache(maxsize=4096)
def _functions_run(file: Path, unseen: tuple[int, ...]) -> tuple[tuple[str, int, int], ...]:
    lines = sorted(unseen)
    return tuple(
        (name, first, last)
        for name, first, last in functions_of(clean_text(file) or b"")
        if bisect_left(lines, first) < bisect_right(lines, last)
    )


def _lines_with(words: set[str], file: Path) -> set[int]:
    """Numbers of the lines in which one of them stands."""
    places = _places_in(file)
    return {line for word in words for line in places.lines_with(word)}


class _Places:
    """Where words stand in a text; each is looked for once."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._ends = [at.start() for at in re.finditer(rb"\n", content)]
        self._lines: dict[str, tuple[int, ...]] = {}

    def lines_with(self, word: str) -> tuple[int, ...]:
        """In order, and once each."""
        if word not in self._lines:
            places = _places_of(word.encode(), self._content)
            self._lines[word] = tuple(dict.fromkeys(bisect_left(self._ends, at) + 1 for at in places))
        return self._lines[word]


def _places_of(word: bytes, content: bytes) -> Iterator[int]:
    """Found one by one, which is ten times as fast as a pattern of many."""
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
    """`made`: word -> names that statements with it make when the file is imported.

    `registering`: words in a statement that keeps nothing by name, such as a registration. `finding`: all words of a
    file that finds classes without their names; `finding_by_base`: that finds them by a base; `asked`: bases whose
    subclasses it wants, as far as it says so by name.
    """

    made: dict[str, set[str]]
    registering: frozenset[str]
    finding: frozenset[str]
    finding_by_base: frozenset[str]
    asked: frozenset[str]


# What follows is asked of every file of a source again and again: they lie in the cache, and do not change there.


@lru_cache(maxsize=2)
def _mentions_of(same: _Same) -> _Mentions:
    return _Mentions(same.repository)


@lru_cache(maxsize=8)
def protected_files(source: Source) -> tuple[tuple[str, Path], ...]:
    protected = source.protected
    return tuple(
        (path.relative_to(protected).as_posix(), path) for path in protected.rglob("*.py") if path.is_file()
    )  # fmt: skip


@lru_cache(maxsize=4096)
def _places_in(file: Path) -> _Places:
    return _Places(clean_text(file) or b"")


@lru_cache(maxsize=4096)
def _at_import_of(file: Path) -> _File | None:
    """None: it cannot be read."""
    content = clean_text(file) or b""
    try:
        tree = tree_of(content)
    except (SyntaxError, ValueError):
        return None
    text = content.decode(errors="replace")
    lines = [_WORD.findall(line) for line in text.splitlines()]
    made: dict[str, set[str]] = {}
    registering: set[str] = set()
    for names, first, last in _statements(tree.body):
        for word in {word for line in lines[first - 1 : last] for word in line}:
            made.setdefault(word, set()).update(names)
            if not names:
                registering.add(word)
    for name, other in _renamed(tree):
        made.setdefault(name, set()).add(other)
    in_text = frozenset(word for line in lines for word in line) if _FINDS_CLASSES.search(content) else frozenset()
    by_base = in_text if _BY_BASES.search(content) else frozenset()
    return _File(made, frozenset(registering), in_text, by_base, frozenset(_ASKED_FOR_SUBCLASSES.findall(text)))


def _renamed(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Names that are imported as others."""
    for node in statements_of(tree):
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
