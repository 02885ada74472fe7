"""Mutations of suspicious lines: the kinds of small slips that people make, most plausible first."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import libcst as cst

from agents._spectrum import Line
from tasks.generators import KINDS
from tasks.generators._source_file import Definition, Edit, SourceFile, parse_source_file
from tasks.generators._walk import nodes
from tasks.generators.operators import drop_condition

# How often a slip of this kind is behind a failure, as a rough prior: the search order, not a measurement.
PRIOR = {
    "flip_comparison": 1.0,
    "flip_boolean": 1.0,
    "negate_condition": 1.0,
    "move_boundary": 1.0,
    "change_operator": 1.0,
    "off_by_one": 0.9,
    "change_constant": 0.8,
    "change_default": 0.9,
    "swap_operands": 0.8,
    "invert_if_else": 0.8,
    "swap_returns": 0.7,
    "swap_arguments": 0.7,
    "shuffle_lines": 0.5,
    "none_for_false": 0.7,
    "else_for_condition": 0.4,
    "name_for_name": 0.3,
}
NOT_ON_A_LINE = {"change_default"}  # judged by the body of the function, for a default runs at import
BLAME = 1.25


@dataclass(frozen=True)
class Mutation:
    """One change of one file: the text `old`, which is there once, becomes `new`."""

    path: str
    line: int
    kind: str
    score: float
    old: str
    new: str


def mutations(
    files: Mapping[str, bytes], suspicion: Mapping[Line, float], blamed: set[Line], most: int
) -> list[Mutation]:
    """At most `most` mutations of suspicious lines, by suspicion times prior, highest first; always the same."""
    ranked: list[tuple[float, str, int, bytes, SourceFile, str, Edit]] = []
    for path, data in sorted(files.items()):
        scores = {
            line: score * (BLAME if (path, line) in blamed else 1.0)
            for (where, line), score in suspicion.items()
            if where == path
        }
        if (file := parse_source_file(path, data)) is None:
            continue
        for definition in file.definitions:
            span = range(file.line_of(definition.start), file.line_of(definition.end - 1) + 1)
            if not any(line in scores for line in span):
                continue
            for kind, edit in _edits(file, definition):
                lines = span if kind in NOT_ON_A_LINE else _lines(file, edit)
                if score := max((scores.get(line, 0.0) for line in lines), default=0.0) * PRIOR[kind]:
                    ranked.append((-score, path, edit.start, edit.text, file, kind, edit))
    ranked.sort(key=lambda item: item[:4])
    found: dict[tuple[str, bytes], Mutation] = {}
    for score, path, _, _, file, kind, edit in ranked:
        if len(found) == most:
            break
        # Only here: that it compiles and can be taken back costs more than all the ranking.
        key = (path, file.applied(edit))
        if key not in found and (mutation := _as_replacement(file, edit, kind, -score)) is not None:
            found[key] = mutation
    return list(found.values())


def _edits(file: SourceFile, definition: Definition) -> Iterator[tuple[str, Edit]]:
    for kind in PRIOR:
        if kind in KINDS:
            yield from ((kind, edit) for edit in KINDS[kind](file, definition))
    yield from (("none_for_false", edit) for edit in none_for_false(file, definition))
    yield from (("name_for_name", edit) for edit in name_mixed_up(file, definition))
    yield from (("else_for_condition", edit) for edit in drop_condition(file, definition))


def none_for_false(file: SourceFile, definition: Definition) -> Iterator[Edit]:
    """`False` where `None` was meant, in defaults and elsewhere."""
    for node in nodes(definition.node):
        if isinstance(node, cst.Name) and node.value == "False":
            yield file.replace(node, b"None", "False → None")


def name_mixed_up(file: SourceFile, definition: Definition) -> Iterator[Edit]:
    """A parameter or variable of the function where another one was meant."""
    function = definition.node
    if not isinstance(function, cst.FunctionDef):
        return
    bound = {node.name.value for node in nodes(function) if isinstance(node, cst.Param)} - {"self", "cls"}
    for node in nodes(function):
        if isinstance(node, cst.AssignTarget) and isinstance(node.target, cst.Name):
            bound.add(node.target.value)
    for node in nodes(function.body):
        if isinstance(node, cst.Name) and node.value in bound:
            for other in sorted(bound - {node.value}):
                yield file.replace(node, other.encode(), f"{node.value} → {other}")


def _lines(file: SourceFile, edit: Edit) -> range:
    return range(file.line_of(edit.start), file.line_of(max(edit.start, edit.end - 1)) + 1)


def _as_replacement(file: SourceFile, edit: Edit, kind: str, score: float) -> Mutation | None:
    """The edit as a replacement of whole lines, with as many around it as make the text unique."""
    try:
        compile(file.applied(edit), file.path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return None
    start, end = file.lines_of(edit.start, edit.end)
    while file.data.count(file.data[start:end]) > 1:
        if start == 0 and end == len(file.data):
            return None
        start = file.data.rfind(b"\n", 0, max(0, start - 1)) + 1 if start else 0
        after = file.data.find(b"\n", end)
        end = len(file.data) if after < 0 else after + 1
    old = file.data[start:end]
    new = file.data[start : edit.start] + edit.text + file.data[edit.end : end]
    if file.applied(edit).count(new) != 1:
        return None  # it could not be taken back
    return Mutation(file.path, file.line_of(edit.start), kind, score, old.decode(), new.decode())
