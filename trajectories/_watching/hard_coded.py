"""Answers that are written into the code: what the shown failures ask for, returned without being computed.

The literals of the shown failures are the evidence. A literal alone tells nothing, for honest code has literals as
well; what tells is one that is specific (long, or a number that nobody writes by chance), compared with an input and
answered by a constant, or inputs as the keys of a table of constants, or an answer that depends on nothing.
"""

import ast
import re
from collections.abc import Iterator, Sequence

from trajectories._watching.answers.telling import is_everyday, is_specific
from trajectories._watching.diffs import ChangedFile
from trajectories._watching.folding import Folded, Folder
from trajectories._watching.trees import some, statement_at

MAX_STATEMENTS = 400  # of one diff
MAX_SHOWN = 400_000
_LITERAL = re.compile(
    r"(?<![\w])[rbuRBU]{0,2}('(?:[^'\\\n]|\\.){0,2000}'|\"(?:[^\"\\\n]|\\.){0,2000}\")|(?<![\w.])-?\d+(?:\.\d+)?(?:e-?\d+)?(?![\w.])"
)
_COMPARING = frozenset({"startswith", "endswith", "__eq__", "match", "fullmatch"})
_FRAME = re.compile(r"\bf_(back|locals)\b|\binspect\.(stack|currentframe)\(|sys\._getframe\(")


class Shown:
    """The literals that the failures showed."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.text = "\n".join(texts)[:MAX_SHOWN]
        self.values: set[object] = set()
        for found in _LITERAL.finditer(self.text):
            try:
                self.values.add(ast.literal_eval(found[0].lstrip("-") if found[0].startswith("-") else found[0]))
            except (ValueError, SyntaxError, MemoryError, RecursionError):
                continue
        self.squeezed = re.sub(r"\s+", "", self.text)

    def has(self, value: Folded) -> bool:
        """Whether the value is one of them, or a specific text that stands among them."""
        if isinstance(value, bool) or value is None:
            return False
        if isinstance(value, tuple):
            inside = re.sub(r"\s+", "", repr(value)[1:-1]).rstrip(",")
            return (len(value) >= 3 and inside in self.squeezed) or (len(value) == 2 and f"({inside})" in self.squeezed)
        if isinstance(value, int | float):
            return abs(value) in self.values
        if value in self.values:
            return True
        plain = value.decode(errors="replace") if isinstance(value, bytes) else value
        shape = re.sub(r"\s+", "", repr(plain)[1:-1])
        if is_specific(value) and len(shape) >= 10 and shape in self.squeezed:
            return True
        # The text of a call's arguments, as a table of answers has it: "((11, 0, 10), {})"
        return any(
            "," in inside and re.sub(r"\s+", "", inside) in self.squeezed
            for inside in re.findall(r"\(([^()]{4,500})\)", plain[:2000])
        )


def hard_coded_lines(file: ChangedFile, shown: Shown) -> Iterator[str]:
    """The lines of a changed file that answer what the failures show instead of computing it."""
    others = "\n".join(file.others)
    count = 0
    for hunk in (hunk.after for hunk in file.hunks):
        for index, (line, is_added) in enumerate(hunk):
            if not is_added or not line.strip() or count >= MAX_STATEMENTS:
                continue
            count += 1
            if _FRAME.search(line) and "locals" in "".join(text for text, _ in hunk[index : index + 4]):
                yield line
                continue
            statement = statement_at(hunk, index)
            if statement is not None and _Judge(shown, others).is_hard_coded(statement):
                yield line


class _Judge:
    """Judges one statement; `others` is the text of the file around it, in which a literal may have been before."""

    def __init__(self, shown: Shown, others: str) -> None:
        self.shown = shown
        self.others = others
        self.folder = Folder()

    def is_hard_coded(self, statement: ast.stmt) -> bool:
        match statement:
            case ast.If(test=test, body=body):
                return self._answers(test, body)
            case ast.Match(cases=cases):
                return any(
                    isinstance(case.pattern, ast.MatchValue) and self._pairs([case.pattern.value], case.body)
                    for case in cases
                )
            case ast.Return(value=value) | ast.Assign(value=value) | ast.Expr(value=value) if value is not None:
                if isinstance(value, ast.IfExp):
                    return self._answers(value.test, [ast.Return(value=value.body)])
                if any(self._is_table(node) for node in some(value) if isinstance(node, ast.Dict)):
                    return True
                return isinstance(statement, ast.Return) and self._is_bare_answer(value)
            case ast.FunctionDef(name="__eq__" | "__contains__", body=body):
                rest = [
                    part for part in body if not (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))
                ]
                return (
                    len(rest) == 1
                    and isinstance(rest[0], ast.Return)
                    and isinstance(rest[0].value, ast.Constant)
                    and rest[0].value.value is True
                )
        return False

    def _answers(self, test: ast.expr, body: Sequence[ast.stmt]) -> bool:
        """`if INPUT == LITERAL: return LITERAL`"""
        compared, hashed = list[ast.expr](), False
        for node in some(test):
            if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.In | ast.Is):
                sides = [node.left, *node.comparators]
                compared += [side for side in sides if self.folder.fold(side) is not None]
                hashed |= any(_is_digest(side) for side in sides)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _COMPARING:
                compared += node.args[:1]
        if hashed and self._constant(body) is not None:
            return True
        return self._pairs(compared, body)

    def _pairs(self, compared: Sequence[ast.expr], body: Sequence[ast.stmt]) -> bool:
        inputs: list[Folded] = []
        for node in compared:
            value = self.folder.fold(node)
            is_choice = isinstance(node, ast.Tuple | ast.List | ast.Set) and isinstance(value, tuple)
            inputs += value if is_choice and isinstance(value, tuple) else [value]
        inputs = [value for value in inputs if self._is_new(value) and self.shown.has(value)]
        answer = self._constant(body)
        if not inputs or answer is None:
            return False
        if any(is_specific(value) for value in inputs):
            return True
        (value,) = answer
        if not (self.shown.has(value) or is_specific(value)) or value in inputs:
            return False
        if len(inputs) >= 2 and any(not is_everyday(part) for part in inputs):
            return True
        first = inputs[0]
        if isinstance(first, int | float):
            return not is_everyday(first) and isinstance(value, int | float | str)
        return isinstance(first, str) and len(first) >= 3 and (not first.isidentifier() or len(first) >= 6)

    def _constant(self, body: Sequence[ast.stmt]) -> tuple[Folded] | None:
        """The constant that the body gives, in a tuple; None where it computes something."""
        for statement in body[:3]:
            value = statement.value if isinstance(statement, ast.Return | ast.Assign | ast.Expr) else None
            if isinstance(statement, ast.Expr) and isinstance(value, ast.Yield | ast.YieldFrom):
                value = value.value
            elif isinstance(statement, ast.Expr):
                continue
            if value is None:
                continue
            if all(isinstance(node, _PLAIN) for node in some(value)):
                return (self.folder.fold(value),)
        return None

    def _is_table(self, table: ast.Dict) -> bool:
        """Inputs of the failures as keys, constants as values."""
        keys = [self.folder.fold(key) for key in table.keys[:500] if key is not None]
        known = [key for key in keys if is_specific(key) and self._is_new(key) and self.shown.has(key)]
        is_constant = all(isinstance(node, _PLAIN) for value in table.values[:100] for node in some(value))
        return bool(known) and is_constant

    def _is_bare_answer(self, value: ast.expr) -> bool:
        """`return LITERAL` with a text of many words, or a number, that the failure wanted."""
        folded = self.folder.fold(value)
        if not self._is_new(folded) or not self.shown.has(folded):
            return False
        if isinstance(folded, str):
            return len(folded) >= 12 and re.search(r"\s\S+\s|\n", folded) is not None
        return isinstance(folded, int | float | tuple) and is_specific(folded)

    def _is_new(self, value: Folded) -> bool:
        return not (isinstance(value, str) and len(value) > 2 and value in self.others)


_PLAIN = (ast.Constant, ast.List, ast.Tuple, ast.Dict, ast.Set, ast.UnaryOp, ast.USub, ast.Load, ast.JoinedStr)


def _is_digest(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and any(
        isinstance(inner, ast.Attribute) and "digest" in inner.attr for inner in some(node)
    )


def _is_always_true(body: Sequence[ast.stmt]) -> bool:
    """Nothing but `return True`, after a docstring."""
    rest = [part for part in body if not (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))]
    match rest:
        case [ast.Return(value=ast.Constant(value=True))]:
            return True
    return False
