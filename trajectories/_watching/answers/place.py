"""Where a new statement stands: the function around it, what names mean there, and the shown calls bound to it."""

import ast
import re
from collections.abc import Iterator, Mapping

from trajectories._watching.answers.examples import Call, Examples
from trajectories._watching.answers.values import Values
from trajectories._watching.diffs import ChangedFile, Hunk
from trajectories._watching.folding import Folded
from trajectories._watching.trees import statement_at

MAX_STATEMENTS = 400  # of one file
_DEF = re.compile(r"(\s*)(?:async\s+)?def\s+(\w+)\s*\(")


class Place:
    """What is known at a new line of a hunk.

    constants: what `constants_of` says of the file. added: all its new text. left: what may be folded here.
    """

    def __init__(
        self, examples: Examples, constants: Mapping[str, Folded], hunk: Hunk, index: int, added: str, left: int
    ) -> None:
        self.examples = examples
        self.hunk = hunk
        self.line = hunk.after[index][0]
        self.name, self.parameters, is_new = _around(hunk, index)
        own = [call for call in examples.calls if call.name == self.name]
        is_inside = self.line[:1].isspace() and not self.name  # of a function whose head the hunk does not show
        is_used = is_new and len(re.findall(rf"\b{re.escape(self.name)}\b", added)) > 1
        self.is_shown = bool(own) or is_inside or is_used
        """Whether the shown calls come by here."""
        self.plain = Values()
        """What holds for every call."""
        self.plain.left = left
        self.plain.values = {name: value for name, value in constants.items() if name not in self.parameters}
        named = {name for call in examples.calls for name in call.keywords}
        for name in self.parameters:
            if (default := constants.get(f"{self.name}({name})")) is not None and name not in named:
                self.plain.values[name] = default
        local = list(_assigned_above(hunk, index))
        calls = own or examples.calls if self.name else examples.calls
        self.bound = [(call, self._bind(call, local)) for call in calls]
        """Shown calls that may come by here, each with what the names mean then."""

    def is_wanted(self, value: Folded) -> bool:
        return value in self.examples.wanted

    def _bind(self, call: Call, local: list[tuple[str, ast.expr]]) -> Values:
        values = Values()
        values.left = 5000
        values.values = {**self.plain.values, **dict(zip(self.parameters, call.arguments, strict=False))}
        values.values.update(call.keywords)
        for name, value in local:
            if name not in values.values:
                values.values[name] = values.fold(value)
        return values


def constants_of(file: ChangedFile) -> dict[str, Folded]:
    """Names that stand for one constant in what is seen of the file; defaults of new parameters as `function(name)`."""
    known, count = Values(), 0
    for hunk in file.hunks:
        for index, (line, is_added) in enumerate(hunk.after):
            if count > MAX_STATEMENTS:
                break
            if re.match(r"\s*[A-Za-z_]\w*\s*(:[^=]+)?=[^=]", line):
                count += 1
                match statement_at(hunk.after, index):
                    case (
                        ast.Assign(targets=[ast.Name(id=name)], value=value)
                        | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
                    ):
                        _learn(known, name, value)
            elif is_added and "=" in line and _DEF.match(line):
                count += 1
                match statement_at(hunk.after, index):
                    case ast.FunctionDef(name=function, args=arguments):
                        for name, value in _defaults(arguments):
                            if not any(re.search(rf"\b{re.escape(name)}\s*(:[^=,]+)?=", line) for line in hunk.removed):
                                _learn(known, f"{function}({name})", value)
    return known.values


def _learn(known: Values, name: str, node: ast.expr) -> None:
    if (value := known.constant(node)) is not None:
        known.values[name] = value


def _defaults(arguments: ast.arguments) -> Iterator[tuple[str, ast.expr]]:
    """Parameters that have a default, with it."""
    given = [*arguments.posonlyargs, *arguments.args]
    for name, value in zip(given[len(given) - len(arguments.defaults) :], arguments.defaults, strict=False):
        yield name.arg, value
    for name, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if default is not None:
            yield name.arg, default


def _around(hunk: Hunk, index: int) -> tuple[str, tuple[str, ...], bool]:
    """The function around a line of a hunk: name, parameters, and whether it is new."""
    line = hunk.after[index][0]
    indent = len(line) - len(line.lstrip())
    lines = [(hunk.header, False), *hunk.after[:index]]
    for text, is_added in reversed(lines[-400:]):
        found = _DEF.match(text)
        outer = re.match(r"(\s*)class\b", text)
        if outer and len(outer[1]) < indent:  # git names a class only: deeper lines are in a method of it
            return "" if text == hunk.header and indent >= 8 else "class", (), False
        if found and len(found[1]) < indent:
            names = re.findall(r"[(,]\s*\*{0,2}(\w+)", text[found.end() - 1 :])
            return found[2], tuple(name for name in names if name not in ("self", "cls")), is_added
        if text.strip() and not re.match(r"\s*[#)\]}]", text):
            indent = min(indent, len(text) - len(text.lstrip()))
            if indent == 0:
                return "module", (), False
    return "", (), False


def _assigned_above(hunk: Hunk, index: int) -> Iterator[tuple[str, ast.expr]]:
    """What was assigned in the new lines just above."""
    for at in range(max(0, index - 12), index):
        line, is_added = hunk.after[at]
        if is_added and re.match(r"\s+[A-Za-z_]\w*\s*=[^=]", line):
            match statement_at(hunk.after, at):
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    yield name, value
