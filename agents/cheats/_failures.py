"""What a shown failure tells: the error, the values compared, the line of the test, the code that it went through.

And what an instruction names: paths of files. Shared by the scripted cheats.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from agents._spectrum import suspicious_lines
from agents.agent import Session
from tasks.testrun import TestReport, TestResult

FAILED = ("failed", "error")
FRAME = re.compile(r"^([^\s:][^:\n]*\.py):(\d+): in (.+)$")
ERROR = re.compile(r"^E   ([\w.<>]+(?:Probe|Error|Exception|Warning|Exit|Interrupt|Failed|Iteration))\b")
NOT_RAISED = re.compile(r"^E   Failed: DID NOT RAISE (?:any of )?\(?(?:<class ')?([\w.]+)")
TEST_ID = re.compile(r"[\w./-]+\.py::\S+")  # as pytest writes them, and issues quote them
COMPARISON = re.compile(r" (==|!=|is not|is) ")
ADDRESS = re.compile(r"0x[0-9a-fA-F]+")  # of an object: another one in each run
PATH = re.compile(
    r"(?<![\w/:.-])((?:/|\./)?(?:[\w.-]+/)*[\w-][\w.-]*"
    r"\.(?:txt|json|jsonl|csv|tsv|md|py|sh|js|yaml|yml|xml|html|log|out|dat|sql|toml|ini))(?![\w/-])"
)


@dataclass(frozen=True)
class Frame:
    path: str
    line: int
    function: str

    @property
    def is_of_a_test(self) -> bool:
        name = self.path.rpartition("/")[2]
        return name.startswith(("test_", "conftest")) or name.endswith("_test.py") or "tests/" in self.path


@dataclass(frozen=True)
class Failure:
    """One failing test as pytest shows it. `got` and `wanted` are texts of values, empty where none is shown.

    `operator` is "==", "is", … of the failing assertion, "" of a bare one.
    """

    test: str
    error: str
    frames: tuple[Frame, ...]
    statement: str
    operator: str = ""
    got: str = ""
    wanted: str = ""
    not_raised: str = ""

    @property
    def place(self) -> Frame | None:
        """The last line of a test that ran."""
        return next((frame for frame in reversed(self.frames) if frame.is_of_a_test), None)

    @property
    def is_a_probe(self) -> bool:
        return self.error.endswith("Probe")

    @property
    def code_frames(self) -> tuple[Frame, ...]:
        """Those in the code under test, outermost first."""
        return tuple(frame for frame in self.frames if not frame.is_of_a_test and not frame.path.startswith("/"))


def failures_of(report: TestReport) -> list[Failure]:
    return [read_failure(result) for result in report.results if result.outcome in FAILED]


def read_failure(result: TestResult) -> Failure:
    """Take pytest's short traceback apart."""
    frames: list[Frame] = []
    statement: list[str] = []
    lines = result.longrepr.splitlines()
    for line in lines:
        if found := FRAME.match(line):
            frames.append(Frame(found[1], int(found[2]), found[3]))
            if frames[-1].is_of_a_test:
                statement = []
        elif frames and frames[-1].is_of_a_test and line.startswith("    ") and line.strip(" ^~"):
            statement.append(line.strip())
    errors = [line for line in lines if line.startswith("E ")]
    error = next((found[1] for line in errors if (found := ERROR.match(line))), "")
    operator, got, wanted = next((read for line in errors if (read := _comparison(line))), ("", "", ""))
    not_raised = next((found[1] for line in errors if (found := NOT_RAISED.match(line))), "")
    return Failure(result.node_id, error, tuple(frames), "\n".join(statement), operator, got, wanted, not_raised)


def _comparison(line: str) -> tuple[str, str, str] | None:
    """Operator and both values of pytest's or unittest's message about an assertion; None for other lines."""
    text = ADDRESS.sub("0x", line[1:].strip().removeprefix("AssertionError: "))
    if found := re.match(r"(\w+) is not (true|false)\b", text):
        return "", found[1], str(found[2] == "true")
    is_plain = text.startswith("assert ")
    if not is_plain and "AssertionError: " not in line:
        return None
    text = re.sub(r"^\w+ differ: ", "", text.removeprefix("assert "))
    if is_plain and re.fullmatch(r"(not )?[\w.\[\]'\"-]+", text):
        return "", text.removeprefix("not "), str(not text.startswith("not "))
    for split in COMPARISON.finditer(text):
        left, right = text[: split.start()], text[split.end() :]
        if is_literal(left) or is_literal(right):
            return ("==" if split[1] == "!=" and not is_plain else split[1]), left, right
    return None


def is_literal(text: str) -> bool:
    try:
        ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


async def look(session: Session, *, coverage: bool = True) -> tuple[dict[str, object], TestReport | None]:
    """A run of the tests that the instruction names (else of all visible ones).

    Gives also the arguments that name the same tests again. No report: the task has no tests that can be seen.
    """
    # an id is cut at the first space of its parameters: the test with all of them is meant then
    named = {test if test.count("[") == test.count("]") else test.partition("[")[0]
             for test in TEST_ID.findall(session.instruction)}  # fmt: skip
    chosen: dict[str, object] = {"tests": sorted(named)} if named else {}
    report = (await session.call("run_tests", {**chosen, "coverage": coverage})).report
    if named and report is not None and not report.results:
        chosen, report = {}, (await session.call("run_tests", {"coverage": coverage})).report
    return chosen, report


@dataclass(frozen=True)
class Function:
    """A function in a file; lines count from 1, `body` is the first line after signature and docstring."""

    name: str
    path: str
    first: int
    body: int
    last: int
    indent: int
    arguments: tuple[str, ...]


def functions_in(path: str, data: bytes) -> list[Function]:
    """All functions and methods whose body stands on lines of its own, outer before inner."""
    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError):
        return []
    return list(_functions(path, tree, ""))


def _functions(path: str, parent: ast.AST, prefix: str) -> Iterator[Function]:
    for node in ast.iter_child_nodes(parent):
        name = f"{prefix}{getattr(node, 'name', '')}"
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None and len(node.body) > 1 else node.body
            if body[0].lineno > node.lineno:
                names = tuple(argument.arg for argument in (*node.args.posonlyargs, *node.args.args))
                yield Function(name, path, node.lineno, body[0].lineno, node.end_lineno or 0, body[0].col_offset, names)
            yield from _functions(path, node, f"{name}.")
        elif isinstance(node, ast.ClassDef):
            yield from _functions(path, node, f"{name}.")
        else:
            yield from _functions(path, node, prefix)


def blamed_places(report: TestReport) -> list[tuple[str, int]]:
    """Lines of the code that a failure points to, the likeliest first: where it raised, then what only it executes."""
    raised = [failure.code_frames[-1] for failure in failures_of(report) if failure.code_frames]
    ranked = sorted(suspicious_lines(report).items(), key=lambda item: (-item[1], item[0]))
    return [(frame.path, frame.line) for frame in raised] + [place for place, _ in ranked]


def paths_in(instruction: str) -> list[str]:
    """Paths of files that a text names, in its order."""
    return list(dict.fromkeys(found[1] for found in PATH.finditer(instruction)))
