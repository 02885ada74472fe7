"""Which tests a change can matter to: those that run its lines when the code is clean.

A test that does not execute a changed statement does the same with it as without, unless names change their scope (the
last assignment of a local goes, a function becomes a generator), the code runs at import, or the test starts processes
whose lines nobody saw. Each of these cases takes more tests.
"""

import ast
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType

from tasks.candidate import Candidate, Place
from tasks.repository import Repository


@dataclass(frozen=True)
class Selection:
    """Node ids of stable tests.

    `reaching`: run some line of the touched definitions; `affected`, of these, may behave otherwise, the quick ones
    first. `is_warm`: no import has run what is changed.
    """

    reaching: tuple[str, ...]
    affected: tuple[str, ...]
    is_warm: bool


def select_tests(candidate: Candidate, repository: Repository) -> Selection:
    """For a candidate whose solved state is the clean source."""
    everything = range(len(repository.stable_tests))
    reaching: set[int] = set()
    affected: set[int] = set()
    is_warm = not candidate.absent
    for place in candidate.places:
        if not is_known(place, repository) or repository.runs_at_import(place.path, place.first_line, place.last_line):
            reaching.update(everything)
            affected.update(everything)
            is_warm = False
            continue
        reached = repository.reached_by.get(place.path, {})
        of_definition = _running(reached, range(place.first_line, place.last_line + 1))
        reaching |= of_definition
        affected |= _of_statements(candidate, place, repository) or of_definition
    if reaching:
        blind = {test: at for at, test in enumerate(repository.stable_tests)}
        hidden = {blind[test] for test in repository.starting_processes if test in blind}
        reaching |= hidden
        affected |= hidden
    quick_first = sorted(affected, key=lambda at: (repository.clean_seconds.get(repository.stable_tests[at], 1.0), at))
    return Selection(
        reaching=tuple(repository.stable_tests[at] for at in sorted(reaching)),
        affected=tuple(repository.stable_tests[at] for at in quick_first),
        is_warm=is_warm,
    )


def is_known(place: Place, repository: Repository) -> bool:
    """The file is one of the clean source, so that coverage says something of it."""
    return (repository.source.code / place.path).is_file()


def _running(reached: dict[int, tuple[int, ...]], lines: Iterable[int]) -> set[int]:
    return {at for line in lines for at in reached.get(line, ())}


def _of_statements(candidate: Candidate, place: Place, repository: Repository) -> set[int]:
    """Tests that run the changed statements; none where that does not tell."""
    clean = (repository.source.code / place.path).read_bytes()
    changed = candidate.files.get(place.path)
    if changed is None or not _have_same_scopes(clean, changed):
        return set()
    lines = set(place.changed_lines)
    if changed.count(b"\n") > clean.count(b"\n") and lines:  # where something new stands after the statement before it
        lines.add(min(lines) - 1)
    reached = repository.reached_by.get(place.path, {})
    found: set[int] = set()
    for line in lines:
        own = _own_lines(clean, line)
        running = _running(reached, own)
        if own and not running:
            return set()  # a line that leaves no trace, such as `while True:`
        found |= running
    return found


def _have_same_scopes(clean: bytes, changed: bytes) -> bool:
    try:
        return _scopes(clean) == _scopes(changed)
    except (SyntaxError, ValueError, RecursionError):
        return False


@lru_cache(maxsize=64)
def _scopes(content: bytes) -> Counter[tuple[object, ...]]:
    def walk(code: CodeType) -> Iterator[tuple[object, ...]]:
        names = (frozenset(part) for part in (code.co_varnames, code.co_cellvars, code.co_freevars))
        yield (code.co_qualname, code.co_flags, *names)
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                yield from walk(constant)

    return Counter(walk(compile(content, "", "exec", dont_inherit=True)))


def _own_lines(content: bytes, line: int) -> range | set[int]:
    """Lines of the smallest statement that holds a line, without those of the statements in it; none for a blank."""
    return _owners(content).get(line, set())


@lru_cache(maxsize=64)
def _owners(content: bytes) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    statements = [node for node in ast.walk(ast.parse(content)) if isinstance(node, ast.stmt | ast.ExceptHandler)]
    for node in sorted(statements, key=lambda node: (node.lineno, -(node.end_lineno or 0))):
        inner = {line for child in _inner(node) for line in _lines(child)}
        own = set(_lines(node)) - inner
        for line in own:
            found[line] = found[line] | own if line in found and not inner else own
    return found


def _inner(node: ast.AST) -> Iterator[ast.stmt | ast.ExceptHandler]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt | ast.ExceptHandler):
            yield child
        elif isinstance(child, ast.match_case):
            yield from child.body


def _lines(node: ast.stmt | ast.ExceptHandler) -> range:
    first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", ()))])
    return range(first, (node.end_lineno or node.lineno) + 1)
