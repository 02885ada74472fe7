"""Missing tests: the tests of some lines are gone and must be written again, good enough to kill planted bugs.

Coverage tells which lines only a few tests of one file run. Without these tests nothing executes the lines, so no bug
in one of their expressions can fail what is left: that the old tests let it live needs no run. The removed tests are
the reference; which bugs they kill is found when the task is validated, and only those count.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from random import Random

import libcst as cst

from environments.diff import Diff, FileChange
from tasks._program import is_same_program
from tasks.candidate import Brief, Candidate, Place
from tasks.checks import check_file, code_digest
from tasks.checks.documentation import Function
from tasks.generators import control, operators
from tasks.generators._branches import header_lines
from tasks.generators._source_file import Definition, Edit, SourceFile, parse_source_file
from tasks.generators._test_files import only_tests, split_id, tests_of, without_tests
from tasks.generators.procedural import Edits, SourceFiles
from tasks.repository import Repository

CHECK = "tests/test_gristmill_missing_tests.py"
FEWEST_BUGS, MOST_BUGS = 2, 6
MOST_TESTS = 4  # functions that are taken out together

# Of expressions only: an edit of these is without effect unless its own statement is executed.
_EDITS: tuple[Edits, ...] = (
    operators.change_operator, operators.flip_comparison, operators.move_boundary, operators.flip_boolean,
    operators.negate_condition, operators.swap_operands, operators.break_chain, operators.change_constant,
    operators.off_by_one, control.swap_arguments,
)  # fmt: skip

_STEPS = (ast.While, ast.Assign, ast.AugAssign, ast.AnnAssign)

Tests = frozenset[tuple[str, str]]  # (file, qualified name)


@dataclass(frozen=True)
class Bug:
    """An edit, the line of its statement, and the tests that execute the statement."""

    edit: Edit
    line: int
    tests: Tests


class MissingTests:
    """One candidate a function: the set of tests whose absence leaves the most bugs unseen."""

    name = "missing_tests"

    def __init__(self, most_bugs: int = MOST_BUGS) -> None:
        """`most_bugs`: of one candidate; each takes two starts of pytest whenever the task is judged."""
        self._most_bugs = most_bugs

    def candidates(self, repository: Repository, rng: Random) -> Iterator[Candidate]:
        """Functions in random order."""
        test_files = _TestFiles(repository)
        pairs = [(file, each) for file in SourceFiles().of(repository) for each in file.definitions]
        rng.shuffle(pairs)
        for file, definition in pairs:
            function = _function(file, definition)
            if function is None:
                continue
            bugs = list(_bugs(file, definition, function, repository, test_files))
            rng.shuffle(bugs)
            if (chosen := _most_unseen(bugs, self._most_bugs)) is not None:
                yield _candidate(repository, file, definition, function, chosen, test_files)


class _TestFiles:
    """The repository's test files, parsed when they are asked for."""

    def __init__(self, repository: Repository) -> None:
        self._folder = repository.source.protected
        self._files: dict[str, SourceFile | None] = {}
        self._keys = [split_id(test) for test in repository.stable_tests]

    def key(self, index: int) -> tuple[str, str]:
        return self._keys[index]

    def file(self, path: str) -> SourceFile | None:
        if path not in self._files:
            place = self._folder / path
            known = place.is_file() and path.endswith(".py")
            self._files[path] = parse_source_file(path, place.read_bytes()) if known else None
        return self._files[path]

    def can_be_removed(self, tests: Tests) -> bool:
        """They are few, in one file, and each is one function that stands there."""
        paths = {path for path, _ in tests}
        if not tests or len(tests) > MOST_TESTS or len(paths) != 1:
            return False
        file = self.file(paths.pop())
        return file is not None and {name for _, name in tests} <= tests_of(file).keys()


def _function(file: SourceFile, definition: Definition) -> Function | None:
    if not isinstance(definition.node, cst.FunctionDef):
        return None
    place = (definition.node.name.value, file.line_of(definition.start))
    found = (node for node in ast.walk(ast.parse(file.data)) if isinstance(node, Function))
    return next((node for node in found if (node.name, node.lineno) == place), None)


def _bugs(
    file: SourceFile, definition: Definition, function: Function, repository: Repository, test_files: _TestFiles
) -> Iterator[Bug]:
    statements = _Statements(function)
    reached = repository.reached_by.get(file.path, {})
    at_import = {*repository.import_lines.get(file.path, ()), *repository.collection_lines.get(file.path, ())}
    edits = {edit for kind in _EDITS for edit in kind(file, definition)}
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end, edit.text)):
        lines = range(file.line_of(edit.start), file.line_of(max(edit.start, edit.end - 1)) + 1)
        around = statements.around(lines)
        if around is None or at_import & set(around):
            continue
        tests = frozenset(test_files.key(index) for line in around for index in reached.get(line, ()))
        if test_files.can_be_removed(tests) and _is_another_program(file, edit):
            yield Bug(edit, around.start, tests)


def _is_another_program(file: SourceFile, edit: Edit) -> bool:
    try:
        return not is_same_program(file.data, file.applied(edit))
    except (SyntaxError, ValueError):
        return False


class _Statements:
    """The statements of a function by line."""

    def __init__(self, function: Function) -> None:
        own = [node for statement in function.body for node in ast.walk(statement)]
        self._nodes = {header_lines(node): node for node in own if isinstance(node, ast.stmt)}
        loops = [node for node in own if isinstance(node, ast.While)]
        self._steps = {id(node) for loop in loops for node in (loop, *ast.walk(loop)) if isinstance(node, _STEPS)}

    def around(self, lines: range) -> range | None:
        """All lines of the one statement (of a compound one: of its header) that holds these.

        None for what decides how often a `while` runs: most bugs there never end, and a hang is no evidence.
        """
        holding = [each for each in self._nodes if each.start <= lines.start and lines.stop <= each.stop]
        found = min(holding, key=len, default=None)
        return None if found is None or id(self._nodes[found]) in self._steps else found


def _most_unseen(bugs: list[Bug], most: int) -> list[Bug] | None:
    """Bugs that the same few tests see, of as many statements as possible; None if there are too few."""
    groups = {each.tests: [bug for bug in bugs if bug.tests <= each.tests] for each in bugs}
    best = max(groups.values(), key=lambda group: (len({bug.line for bug in group}), len(group)), default=[])
    by_line: dict[int, list[Bug]] = defaultdict(list)
    for bug in best:
        by_line[bug.line].append(bug)
    chosen: list[Bug] = []
    while len(chosen) < most and any(by_line.values()):
        chosen += [bugs_of_line.pop() for bugs_of_line in by_line.values() if bugs_of_line][: most - len(chosen)]
    return sorted(chosen, key=lambda bug: bug.edit.start) if len(chosen) >= FEWEST_BUGS else None


def _candidate(
    repository: Repository,
    file: SourceFile,
    definition: Definition,
    function: Function,
    bugs: list[Bug],
    test_files: _TestFiles,
) -> Candidate:
    tests = frozenset[tuple[str, str]]().union(*(bug.tests for bug in bugs))
    test_path = next(iter(tests))[0]
    test_file = test_files.file(test_path)
    assert test_file is not None
    names = {name for _, name in tests}
    written = _new_path(repository, test_path, definition.name)
    untested = _lines_of_tests_alone(function, repository.reached_by.get(file.path, {}), tests, test_files)
    data = {
        "written": written,
        "module": file.path,
        "import_paths": list(repository.recipe.import_paths),
        "bugs": [{"start": bug.edit.start, "end": bug.edit.end, "text": bug.edit.text.decode()} for bug in bugs],
        "code": code_digest(repository.source, without=""),
    }
    said = {
        "path": file.path,
        "symbol": definition.name,
        "written": written,
        "untested": described(function, untested),
    }
    reference = FileChange(path=written, before=None, after=only_tests(test_file, names))
    last = function.end_lineno or function.lineno
    return Candidate(
        generator=MissingTests.name,
        kind=f"{len(bugs)} bugs that {len(tests)} tests alone can see",
        family="tests",
        places=(
            Place(
                path=file.path,
                symbol=definition.name,
                first_line=function.lineno,
                last_line=last,
                changed_lines=tuple(sorted({bug.line for bug in bugs})),
            ),
        ),
        hidden={test_path: without_tests(test_file, names), CHECK: check_file("missing_tests", data)},
        reference=Diff(changes=(reference,)),
        allowed=(written,),
        briefs=(Brief(template="missing_tests.md.j2", context=said, shows_failures=False),),
        details={
            "bugs": [{"line": bug.line, "kind": bug.edit.kind} for bug in bugs],
            "removed_tests": sorted(f"{path}::{name.replace('.', '::')}" for path, name in tests),
            "untested_lines": untested,
        },
    )


def _new_path(repository: Repository, test_path: str, symbol: str) -> str:
    """Beside the file of the removed tests, so that its imports and conftest hold."""
    name = symbol.lower().replace(".", "_").strip("_")
    folder = PurePosixPath(test_path).parent
    for suffix in ("", *(f"_{number}" for number in range(2, 100))):
        path = (folder / f"test_added_{name}{suffix}.py").as_posix()
        if not (repository.source.protected / path).exists() and not (repository.source.code / path).exists():
            return path
    raise AssertionError("a hundred files of one name")


def _lines_of_tests_alone(
    function: Function, reached: dict[int, tuple[int, ...]], tests: Tests, test_files: _TestFiles
) -> list[int]:
    """Lines of the function that nothing but these tests runs."""
    lines = range(function.lineno, (function.end_lineno or function.lineno) + 1)
    return [line for line in lines if reached.get(line) and {test_files.key(at) for at in reached[line]} <= tests]


def described(function: Function, lines: list[int]) -> list[str]:
    """Where in a function these lines are, in words that quote nothing: 'lines 12-14: in an exception handler'."""
    where = {line: _where(function, line) for line in lines}
    spans: list[list[int]] = []
    for line in lines:
        if spans and where[spans[-1][-1]] == where[line] and line <= spans[-1][-1] + 2:
            spans[-1].append(line)
        else:
            spans.append([line])
    return [f"{_numbers(span)}: {where[span[0]]}" for span in spans]


def _numbers(span: list[int]) -> str:
    return f"line {span[0]}" if len(span) == 1 else f"lines {span[0]}-{span[-1]}"


def _where(function: Function, line: int) -> str:
    parts: list[str] = []
    body = function.body
    while True:
        node = next((each for each in body if each.lineno <= line <= (each.end_lineno or each.lineno)), None)
        if node is None or line in header_lines(node):
            break
        body, words = _inner(node, line)
        if words:
            parts.append(words)
        if not body:
            break
    return ", ".join(parts) or "in the function's own block"


def _inner(node: ast.stmt, line: int) -> tuple[list[ast.stmt], str]:
    """The block of a compound statement that holds the line, and what it is."""
    handlers = [block for handler in getattr(node, "handlers", ()) for block in handler.body]
    cases = [block for case in getattr(node, "cases", ()) for block in case.body]
    kind = {ast.If: "an `if`", ast.For: "a loop", ast.AsyncFor: "a loop", ast.While: "a loop", ast.Try: "a `try`"}
    name = kind.get(type(node), "")
    blocks = {
        f"inside {name}" if name else "": getattr(node, "body", []),
        f"in the `else` of {name}": getattr(node, "orelse", []),
        "in a `finally`": getattr(node, "finalbody", []),
        "in an exception handler": handlers,
        "in a `case`": cases,
    }
    for words, block in blocks.items():
        if any(each.lineno <= line <= (each.end_lineno or each.lineno) for each in block):
            return block, words
    return [], ""
