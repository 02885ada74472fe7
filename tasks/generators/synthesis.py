"""Synthesis: a function's body is gone and must be written again from signature, docstring and what is around it.

In the manner of BigCodeBench (a complete and an instruct form of one task, tests with nearly full branch coverage),
MBPP (some failing tests shown, others hidden) and CONCODE (the class around a method decides what the right code is).
"""

import ast
from collections import Counter
from collections.abc import Iterator
from random import Random

import libcst as cst

from tasks.candidate import Brief, Candidate, Place, Rejection
from tasks.generators._branches import BranchCoverage, Function, branch_coverage, without_docstring
from tasks.generators._context import Context, context_of, find_function
from tasks.generators._source_file import Definition, SourceFile
from tasks.generators._walk import is_docstring
from tasks.generators.procedural import SourceFiles
from tasks.repository import Repository

ENOUGH_COVERAGE = 0.9
FEWEST_STATEMENTS = 2
FEWEST_WORDS = 4  # of a docstring: fewer say nothing to write code from
_STUB = b"raise NotImplementedError"
_NO_BODY_DECORATORS = frozenset({"overload", "abstractmethod", "typing.overload", "abc.abstractmethod"})


class Synthesis:
    """One candidate a function whose branches the stable tests cover."""

    name = "synthesis"

    def __init__(self) -> None:
        self.skipped: list[Rejection] = []

    def candidates(self, repository: Repository, rng: Random) -> Iterator[Candidate]:
        """Functions in random order. Those that are not proposed are in `skipped`, with the reason."""
        self.skipped = []
        pairs = [(file, each) for file in SourceFiles().of(repository) for each in file.definitions]
        rng.shuffle(pairs)
        trees: dict[str, ast.Module] = {}
        for file, definition in pairs:
            if not isinstance(definition.node, cst.FunctionDef):
                continue
            tree = trees.setdefault(file.path, ast.parse(file.data))
            function = find_function(tree, definition.node.name.value, file.line_of(definition.start))
            if function is None:
                continue
            coverage = branch_coverage(function, repository.reached_by.get(file.path, {}))
            if reason := _why_not(function, coverage, repository, file):
                self.skipped.append(_skipped(file, definition, *reason))
            elif (stub := without_body(file, definition)) is not None:
                yield _candidate(file, definition, function, coverage, stub)

    def skipped_reasons(self) -> Counter[str]:
        return Counter(each.reason for each in self.skipped)


def _why_not(
    function: Function, coverage: BranchCoverage, repository: Repository, file: SourceFile
) -> tuple[str, str] | None:
    docstring = ast.get_docstring(function) or ""
    body = without_docstring(function.body)
    decorators = {ast.unparse(each) for each in function.decorator_list}
    last = function.end_lineno or function.lineno
    if len(docstring.split()) < FEWEST_WORDS:
        return "no docstring to write it from", ""
    if coverage.statements < FEWEST_STATEMENTS or decorators & _NO_BODY_DECORATORS:
        return "too short to be written again", f"{coverage.statements} statements"
    if repository.runs_at_import(file.path, function.lineno, last):
        return "runs at import", ""
    if not repository.tests_reaching(file.path, range(body[0].lineno, last + 1)):
        return "no test reaches it", ""
    if coverage.ratio < ENOUGH_COVERAGE:
        missed = ", ".join(map(str, coverage.missed_lines[:10]))
        return "branches not covered", f"{coverage.covered} of {coverage.branches}; not covered: lines {missed}"
    return None


def without_body(file: SourceFile, definition: Definition) -> bytes | None:
    """The file with `raise NotImplementedError` for all of the body but the docstring; None where it has no block."""
    body = definition.node.body
    if not isinstance(body, cst.IndentedBlock) or len(body.body) < 2 or not is_docstring(body.body[0]):
        return None
    docstring_start, docstring_end = file.span(body.body[0])
    if not file.is_alone(docstring_start, docstring_end):
        return None
    line, start = file.lines_of(docstring_start, docstring_end)
    end = file.lines_of(*file.span(body.body[-1]))[1]
    indent = file.data[line:docstring_start]
    end = _past_comments(file.data, end, len(indent.expandtabs()))
    newline = b"\r\n" if file.data[:start].endswith(b"\r\n") else b"\n"
    return file.data[:start] + indent + _STUB + newline + file.data[end:]


def _past_comments(data: bytes, end: int, indent: int) -> int:
    """Comments that follow the last statement in its block tell of it, so they go too."""
    at = end
    for line in data[end:].splitlines(keepends=True):
        text = line.expandtabs()
        if text.strip() and not (text.lstrip().startswith(b"#") and len(text) - len(text.lstrip()) >= indent):
            break
        at += len(line)
        if text.strip():
            end = at
    return end


def _candidate(
    file: SourceFile, definition: Definition, function: Function, coverage: BranchCoverage, stub: bytes
) -> Candidate:
    body = without_docstring(function.body)
    last = function.end_lineno or function.lineno
    context = context_of(file.data.decode(), function)
    docstring = ast.get_docstring(function) or ""
    said = {
        "path": file.path,
        "symbol": definition.name,
        "kind": "method" if "." in definition.name else "function",
        "signature": _signature(function),
        "docstring": docstring,
        "request": _first_sentence(docstring),
        "fields": list(context.fields),
    }
    return Candidate(
        generator=Synthesis.name,
        kind=f"body of {len(body)} statements removed",
        family="synthesis",
        places=(
            Place(
                path=file.path,
                symbol=definition.name,
                first_line=function.lineno,
                last_line=last,
                changed_lines=tuple(range(body[0].lineno, last + 1)),
            ),
        ),
        files={file.path: stub},
        briefs=(
            Brief(name="complete", template="synthesis_complete.md.j2", context=said),
            Brief(name="instruct", template="synthesis_instruct.md.j2", context=said, shows_failures=False),
        ),
        details={"coverage": coverage.as_details(), **_context_details(context)},
    )


def _context_details(context: Context) -> dict[str, object]:
    return {
        "needs_context": context.is_needed,
        "fields_used": list(context.fields),
        "module_names_used": list(context.module),
    }


def _signature(function: Function) -> str:
    """`def name(...) -> ...:` on one line, without decorators."""
    start = "async def" if isinstance(function, ast.AsyncFunctionDef) else "def"
    returns = f" -> {ast.unparse(function.returns)}" if function.returns else ""
    return f"{start} {function.name}({ast.unparse(function.args)}){returns}:"


def _first_sentence(docstring: str) -> str:
    paragraph = " ".join(docstring.split("\n\n")[0].split())
    sentence, stop, _ = paragraph.partition(". ")
    return sentence + (stop.strip() or ("" if sentence.endswith((".", "!", "?", ":")) else "."))


def _skipped(file: SourceFile, definition: Definition, reason: str, detail: str) -> Rejection:
    where = f"{file.path}: {definition.name}"
    return Rejection(
        candidate_id="", generator=Synthesis.name, reason=reason, detail=f"{where}: {detail}" if detail else where
    )
