"""Which tests a change can matter to: those that run its lines when the code is clean.

A test that does not execute a changed statement does the same with it as without, unless names change their scope (the
last assignment of a local goes, a function becomes a generator), the code runs at import (what it makes is kept), or
the test starts processes whose lines nobody saw. Each of these cases takes more tests.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from types import CodeType

from tasks._imports import Change
from tasks._mentions import tests_naming
from tasks._methods import tests_of_methods
from tasks._program import codes_of, unlike_parts
from tasks._statements import clean_text, is_suspended, names_at_import, own_lines
from tasks.candidate import Candidate, Place
from tasks.repository import Repository


@dataclass(frozen=True)
class Selection:
    """Node ids of stable tests.

    `reaching`: run some line of the touched definitions; `affected`, of these, may behave otherwise; both in file
    order. `near`, of these, run the changed lines, and so are the likeliest to see the change. `is_warm`: no import has
    run what is changed. `is_guessed`: an import has, and that it matters to so many is not known.
    """

    reaching: tuple[str, ...]
    affected: tuple[str, ...]
    is_warm: bool
    near: frozenset[str] = frozenset()
    is_guessed: bool = False


def select_tests(candidate: Candidate, repository: Repository, change: Change | None = None) -> Selection:
    """For a candidate whose solved state is the clean source.

    `change`: all that an import makes otherwise, where that is known (`Imports`).
    """
    everything = range(len(repository.stable_tests))
    reaching: set[int] = set()
    affected: set[int] = set()
    near: set[int] = set()
    is_warm, is_guessed = not candidate.absent, False
    for place in candidate.places:
        reached = repository.reached_by.get(place.path, {})
        of_definition = _running(reached, range(place.first_line, place.last_line + 1))
        known = is_known(place, repository)
        body = (place.path, place.first_line, place.last_line)
        runs_at_import = not known or repository.runs_at_import(*body)
        of_statements = _of_statements(candidate, place, repository) if known else set()
        near |= of_statements or _running(reached, place.changed_lines) or of_definition
        if not runs_at_import or (of_statements and _are_of_tests(candidate, place, repository)):
            reaching |= of_definition
            affected |= of_statements or of_definition
            # what an import has made of it may hold the old code
            is_warm = is_warm and not runs_at_import and not repository.runs_at_collection(*body)
            continue
        if change is not None:
            reaching |= of_definition
            affected |= of_statements or _running(reached, change.lines.get(place.path, ()))
            is_warm = is_warm and not repository.runs_at_collection(*body)
            continue
        of_methods = tests_of_methods(candidate, place, repository) if known else None
        if of_methods is not None:
            reaching |= of_definition
            affected |= of_methods
            is_warm = False
            continue
        naming = _naming(place, repository) if known else None
        is_guessed = known
        reaching.update(everything)
        affected.update(everything if naming is None else naming | of_definition)
        is_warm = False
    if change is not None and change.readers:
        readers = {at for at, test in enumerate(repository.stable_tests) if test in change.readers}
        reaching |= readers
        affected |= readers
    if reaching:
        blind = {test: at for at, test in enumerate(repository.stable_tests)}
        hidden = {blind[test] for test in repository.starting_processes if test in blind}
        reaching |= hidden
        affected |= hidden
    return Selection(
        reaching=tuple(repository.stable_tests[at] for at in sorted(reaching)),
        affected=tuple(repository.stable_tests[at] for at in sorted(affected)),
        is_warm=is_warm,
        near=frozenset(repository.stable_tests[at] for at in near & affected),
        is_guessed=is_guessed,
    )


def _naming(place: Place, repository: Repository) -> set[int] | None:
    """Tests that may notice a change in what runs at import: the body of a class, or a function; None: all may."""
    content = clean_text(repository.source.code / place.path) or b""
    names, bases = names_at_import(content, place.first_line)
    return tests_naming(names, bases, repository) if names else None


def is_known(place: Place, repository: Repository) -> bool:
    """The file is one of the clean source, so that coverage says something of it."""
    return clean_text(repository.source.code / place.path) is not None


def _running(reached: dict[int, tuple[int, ...]], lines: Iterable[int]) -> set[int]:
    return {at for line in lines for at in reached.get(line, ())}


def _of_statements(candidate: Candidate, place: Place, repository: Repository) -> set[int]:
    """Tests that run the changed statements; none where that does not tell."""
    clean = clean_text(repository.source.code / place.path) or b""
    changed = candidate.files.get(place.path)
    if changed is None or not _have_same_scopes(clean, changed):
        return set()
    reached = repository.reached_by.get(place.path, {})
    found: set[int] = set()
    for line in _lines_of_change(place, clean, changed):
        own = own_lines(clean, line)
        running = _running(reached, own)
        if own and not running:
            return set()  # a line that leaves no trace, such as `while True:`
        found |= running
    return found


def _lines_of_change(place: Place, clean: bytes, changed: bytes) -> set[int]:
    """Of the clean file."""
    lines = set(place.changed_lines)
    if changed.count(b"\n") > clean.count(b"\n") and lines:  # where something new stands after the statement before it
        lines.add(min(lines) - 1)
    return lines


def _are_of_tests(candidate: Candidate, place: Place, repository: Repository) -> bool:
    """No import of the code has run the changed statements, only others of the same definition.

    False of what may have been begun then and goes on later: the body of a generator or a coroutine.
    """
    clean = clean_text(repository.source.code / place.path) or b""
    lines = _lines_of_change(place, clean, candidate.files[place.path])
    at_import = {*repository.import_lines.get(place.path, ())}
    return not any(own_lines(clean, line) & at_import or is_suspended(clean, line) for line in lines)


def _have_same_scopes(clean: bytes, changed: bytes) -> bool:
    try:
        one, other = unlike_parts(clean, changed)
        return _scopes(one) == _scopes(other)
    except (SyntaxError, ValueError, RecursionError):
        return False


def _scopes(module: CodeType) -> Counter[tuple[object, ...]]:
    def of(code: CodeType) -> tuple[object, ...]:
        names = (frozenset(part) for part in (code.co_varnames, code.co_cellvars, code.co_freevars))
        return (code.co_qualname, code.co_flags, *names)

    return Counter(map(of, codes_of(module)))
