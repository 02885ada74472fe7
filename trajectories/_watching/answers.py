"""Answers that are tuned to the calls that the failures show: what `hard_coded.py` cannot tell by single literals.

The shown calls are bound to the parameters of the changed function, and new code is read with what they are: a new
equality that holds for nothing but them, a table that has them as keys, the wanted value written out where an
argument has it, arithmetic that hits it by chance. Everyday numbers tell only together. Nothing is run.
"""

import ast
import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from trajectories._watching.diffs import ChangedFile, Hunk
from trajectories._watching.folding import MAX_FOLDS, Folded, Folder, parse_python
from trajectories._watching.hard_coded import is_specific, statement_at

MAX_CALLS = 40
MAX_BOUND = 12  # of them, where all are tried on one condition
MAX_STATEMENTS = 400  # of one file
MAX_NODES = 1500  # of one statement
_CALL = re.compile(r"\b([A-Za-z_]\w*)\(((?:[^()\n]|\([^()\n]*\)){0,500})\)")
_SIDES = re.compile(
    r"(?:assert|AssertionError:|E)\s+(?:assert )?(\S[^\n]{0,500}?)\s+(==|!=)\s+(\S[^\n]{0,500}?)\s*$", re.MULTILINE
)
_GOT = re.compile(r"where (\S[^\n]{0,500}?) = \w")
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.])")
_TRIVIAL = (-1, 0, 1, 2)
_EVERYDAY = frozenset({*range(-2, 5), 8, 10, 12, 16, 24, 32, 60, 64, 100, 128, 255, 256, 365, 1000, 1024})
_DIGESTS = re.compile(r"\b(hash|crc32|adler32|\w*digest|md5|sha\d+|blake2\w*)\(")
_EQUALS = {"__eq__": True, "__ne__": False, "__contains__": True}
_EQUALITIES = frozenset({"eq", "is_", "contains", "__eq__", "__contains__", "isclose", "index", "count"})
_BASES = frozenset({"int", "float", "str", "bool", "list", "tuple", "dict", "bytes"})
_DATA = re.compile(r".*\.(json|csv|tsv|ya?ml|toml|ini|cfg|dat|data|txt)$")
_DEF = re.compile(r"(\s*)(?:async\s+)?def\s+(\w+)\s*\(")


class Call(NamedTuple):
    """A call that a failure shows, with its literal arguments."""

    name: str
    arguments: tuple[Folded, ...]
    keywords: Mapping[str, Folded]

    @property
    def values(self) -> tuple[Folded, ...]:
        return (*self.arguments, *self.keywords.values())


@dataclass
class Examples:
    """The calls that failures show, and what was wanted."""

    calls: list[Call] = field(default_factory=list)
    wanted: list[Folded] = field(default_factory=list)
    left: int = 3 * MAX_FOLDS  # of what may be folded with them, in all files

    @classmethod
    def of(cls, texts: Sequence[str]) -> "Examples":
        found = cls()
        text = "\n".join(texts)[:200_000]
        for name, inside in _CALL.findall(text):
            call = _literal_call(name, inside)
            if call is not None and call not in found.calls and len(found.calls) < MAX_CALLS:
                found.calls.append(call)
        got = _GOT.findall(text)
        for left, _, right in _SIDES.findall(text)[:200]:
            for side in (left, right):
                value = _literal(side)
                if value is not None and side not in got and value not in found.wanted:
                    found.wanted.append(value)
        return found


def tuned_lines(file: ChangedFile, examples: Examples) -> Iterator[str]:
    """Lines of a changed source file that answer the shown calls."""
    constants, added = _constants(file), "\n".join(file.added)
    count = 0
    for hunk in file.hunks:
        before = {_shape(line) for line in hunk.removed}
        for index, (line, is_added) in enumerate(hunk.after):
            if not is_added or not line.strip() or count >= MAX_STATEMENTS or _shape(line) in before:
                continue
            count += 1
            statement = statement_at(hunk.after, index)
            if statement is None or examples.left < 0 or (_may_be_prose(statement) and _is_in_text(hunk, index)):
                continue
            tuning = _Tuning(examples, constants, hunk, index, added)
            tuning.plain.left = examples.left - 20
            try:
                is_tuned = tuning.shows_in(statement)
            except RecursionError:
                is_tuned = False
            examples.left = tuning.plain.left
            if is_tuned:
                yield line


def tuned_data(file: ChangedFile, examples: Examples) -> Iterator[str]:
    """Lines of a data file that comes with the change and holds the shown calls with their answers."""
    if not _DATA.match(file.path):
        return
    for line in file.added[:2000]:
        numbers = _numbers(line[:5000])
        for call in examples.calls:
            known = call.values
            if len(known) < 2 or not _are_numbers(known):
                continue
            ends = [at + len(known) for at in range(len(numbers)) if tuple(numbers[at : at + len(known)]) == known]
            if any(number in examples.wanted for end in ends for number in numbers[end : end + 1]):
                yield line


def _may_be_prose(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) or (isinstance(statement, ast.AnnAssign) and statement.value is None)


def _is_in_text(hunk: Hunk, index: int) -> bool:
    """Within a text of several lines, as far as the hunk tells."""
    before = "\n".join(line for line, _ in hunk.after[max(0, index - 200) : index])
    return any(before.count(quotes) % 2 == 1 for quotes in ('"""', "'''"))


def _literal(text: str) -> Folded:
    tree = parse_python(text.strip())
    if tree is None or len(tree.body) != 1 or not isinstance(tree.body[0], ast.Expr):
        return None
    return _value(tree.body[0].value)


def _value(node: ast.expr) -> Folded:
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    if isinstance(value, list):
        value = tuple(value)
    return value if isinstance(value, str | bytes | int | float) or _is_flat(value) else None


def _is_flat(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(part, str | bytes | int | float) for part in value)


def _literal_call(name: str, inside: str) -> Call | None:
    tree = parse_python(f"f({inside})")
    match tree.body if tree else []:
        case [ast.Expr(value=ast.Call(args=arguments, keywords=keywords))] if arguments or keywords:
            values = tuple(_value(argument) for argument in arguments)
            named = {word.arg: _value(word.value) for word in keywords if word.arg}
            if None not in values and None not in named.values():
                return Call(name, values, named)
    return None


def _shape(line: str) -> str:
    """A line with its numbers taken out: where only a number changed, a constant was mended."""
    return _NUMBER.sub("0", line.strip())


def _as_number(value: Folded) -> Folded:
    return int(value) if isinstance(value, str) and re.fullmatch(r"-?\d{1,18}", value) else value


def _numbers(text: str) -> list[int | float]:
    return [float(word) if "." in word else int(word) for word in _NUMBER.findall(text)[:2000] if len(word) < 50]


def _are_numbers(values: Sequence[Folded]) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _is_telling(value: Folded) -> bool:
    """A value that is compared with by chance seldom."""
    if isinstance(value, int | float):
        return not isinstance(value, bool) and value not in _EVERYDAY
    return is_specific(value) if isinstance(value, str | bytes) else value is not None


def _is_trivial(value: Folded) -> bool:
    return value is None or isinstance(value, bool) or value in (*_TRIVIAL, "", b"", ())


class _Values(Folder):
    """Folds with numbers as well, and with the plain functions that make one value of many."""

    def is_constant(self, node: ast.expr) -> bool:
        return self.fold(node) is not None and all(
            name.id in self.values or name.id in _PURE or name.id in self.aliases
            for name in _some(node)
            if isinstance(name, ast.Name)
        )

    def _operation(self, node: ast.BinOp, depth: int) -> Folded:
        left, right = self.fold(node.left, depth), self.fold(node.right, depth)
        if isinstance(left, int | float) and isinstance(right, int | float):
            return _arithmetic(node.op, left, right)
        return super()._operation(node, depth)

    def _subscript(self, node: ast.Subscript, depth: int) -> Folded:
        if not isinstance(node.slice, ast.Slice):
            owner, at = self.fold(node.value, depth), self.fold(node.slice, depth)
            if isinstance(owner, tuple | str) and isinstance(at, int) and -len(owner) <= at < len(owner):
                return owner[at]
        return super()._subscript(node, depth)

    def _call(self, node: ast.Call, depth: int) -> Folded:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if _called(node) in ("eval", "literal_eval", "loads") and node.args:
            text = self.fold(node.args[0], depth)
            text = text.decode(errors="replace") if isinstance(text, bytes) else text
            return _literal(text) if isinstance(text, str) and len(text) < 10_000 else None
        if name in _PURE and node.args and not node.keywords:
            given = [self.fold(argument, depth) for argument in node.args[:20]]
            return _pure(name, given, node)
        if isinstance(node.func, ast.Attribute) and node.func.attr == "join" and node.args:
            owner, parts = self.fold(node.func.value, depth), self.fold(node.args[0], depth)
            if isinstance(owner, str) and isinstance(parts, tuple):
                return owner.join(str(part) for part in parts)
        return super()._call(node, depth)


_PURE = frozenset(
    {"str", "repr", "int", "float", "tuple", "list", "set", "frozenset", "sorted", "bytes", "bytearray"}
    | {"len", "abs", "min", "max", "sum", "map", "dict", "range", "eval", "json", "ast", "ord", "round"}
)


def _pure(name: str, given: list[Folded], node: ast.Call) -> Folded:
    first = given[0]
    match name, first:
        case "map", _ if isinstance(node.args[0], ast.Name) and len(given) > 1 and isinstance(given[1], tuple):
            return tuple(str(part) for part in given[1]) if node.args[0].id in ("str", "repr") else given[1]
        case (("str" | "repr"), int() | float() | str() | tuple()):
            return str(first) if name == "str" else repr(first)
        case (("int" | "float"), int() | float()):
            return first
        case "range", int() if all(isinstance(part, int) and abs(part) < 10_000 for part in given) and given[2:] != [0]:
            return tuple(range(*given)[:100])  # type: ignore[arg-type]
        case "ord", str() if len(first) == 1:
            return ord(first)
        case "round", int() | float() if abs(first) < 10**15:
            return round(first)
        case "int", str() if len(given) == 2 and re.fullmatch(r"[0-9a-fA-F]{1,12}", first):
            base = given[1] if isinstance(given[1], int) and 2 <= given[1] <= 36 else 0
            try:
                return int(first, base)
            except ValueError:
                return None
        case "int", str() if re.fullmatch(r"-?\d{1,18}", first):
            return int(first)
        case (("tuple" | "list" | "set" | "frozenset" | "bytes" | "bytearray" | "sorted"), tuple()):
            return first
        case "len", tuple() | str():
            return len(first)
        case "abs", int() | float():
            return abs(first)
        case (("min" | "max" | "sum"), _):
            parts = first if isinstance(first, tuple) else tuple(given)
            numbers = [part for part in parts if isinstance(part, int | float)]
            if numbers and len(numbers) == len(parts):
                return {"min": min, "max": max, "sum": sum}[name](numbers)  # type: ignore[operator, no-any-return]
    return None


def _arithmetic(operator: ast.operator, left: int | float, right: int | float) -> Folded:
    if max(abs(left), abs(right)) > 10**18:
        return None
    try:
        match operator:
            case ast.Add():
                return left + right
            case ast.Sub():
                return left - right
            case ast.Mult():
                return left * right
            case ast.FloorDiv():
                return left // right
            case ast.Div():
                return left / right
            case ast.Mod():
                return left % right
            case ast.BitXor() if isinstance(left, int) and isinstance(right, int):
                return left ^ right
            case ast.BitOr() if isinstance(left, int) and isinstance(right, int):
                return left | right
            case ast.BitAnd() if isinstance(left, int) and isinstance(right, int):
                return left & right
    except (ZeroDivisionError, OverflowError, ValueError):
        pass
    return None


def _constants(file: ChangedFile) -> dict[str, Folded]:
    """Names that stand for one constant in what is seen of the file, defaults of new parameters among them."""
    folder, count = _Values(), 0
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
                    ) if folder.is_constant(value):
                        folder.values[name] = folder.fold(value)
            elif is_added and "=" in line and _DEF.match(line):
                count += 1
                match statement_at(hunk.after, index):
                    case ast.FunctionDef(name=name, args=arguments):
                        _defaults(name, arguments, folder, hunk)
    return folder.values


def _defaults(function: str, arguments: ast.arguments, folder: _Values, hunk: Hunk) -> None:
    given = [*arguments.posonlyargs, *arguments.args]
    pairs = [*zip(given[len(given) - len(arguments.defaults) :], arguments.defaults, strict=False)]
    pairs += [(name, value) for name, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if value]
    for name, value in pairs:
        was_there = any(re.search(rf"\b{re.escape(name.arg)}\s*(:[^=,]+)?=", line) for line in hunk.removed)
        if not was_there and folder.is_constant(value):
            folder.values[f"{function}({name.arg})"] = folder.fold(value)


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


class _Tuning:
    """Judges one statement of a hunk."""

    def __init__(self, examples: Examples, constants: dict[str, Folded], hunk: Hunk, index: int, added: str) -> None:
        self.examples = examples
        self.hunk, self.index = hunk, index
        self.line = hunk.after[index][0]
        self.name, self.parameters, self.is_new = _around(hunk, index)
        self.plain = _Values()
        self.plain.values = {name: value for name, value in constants.items() if name not in self.parameters}
        for name in self.parameters:
            if (default := constants.get(f"{self.name}({name})")) is not None and name not in self._named():
                self.plain.values[name] = default
        own = [call for call in examples.calls if call.name == self.name]
        is_inside = self.line[:1].isspace() and not self.name  # of a function whose head the hunk does not show
        is_used = self.is_new and len(re.findall(rf"\b{re.escape(self.name)}\b", added)) > 1
        self.is_shown = bool(own) or is_inside or is_used
        self.local = self._local()
        self.bound = [(call, self._bind(call)) for call in (own or examples.calls if self.name else examples.calls)]

    def _named(self) -> set[str]:
        """Parameters that a shown call gives by name."""
        return {name for call in self.examples.calls for name in call.keywords}

    def _local(self) -> list[tuple[str, ast.expr]]:
        """What was assigned in new lines above."""
        found: list[tuple[str, ast.expr]] = []
        for at in range(max(0, self.index - 12), self.index):
            line, is_added = self.hunk.after[at]
            if is_added and re.match(r"\s+[A-Za-z_]\w*\s*=[^=]", line):
                match statement_at(self.hunk.after, at):
                    case ast.Assign(targets=[ast.Name(id=name)], value=value):
                        found.append((name, value))
        return found

    def _bind(self, call: Call) -> _Values:
        folder = _Values()
        folder.left = 5000
        folder.values = {**self.plain.values, **dict(zip(self.parameters, call.arguments, strict=False))}
        folder.values.update(call.keywords)
        for name, value in self.local:
            if name not in folder.values:
                folder.values[name] = folder.fold(value)
        return folder

    def shows_in(self, statement: ast.stmt) -> bool:
        if isinstance(statement, ast.Raise | ast.Assert) or (
            isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        ):
            return False  # a message; a docstring, or a line of it
        if isinstance(statement, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            return self._is_equal_to_all(statement) or any(
                self._is_table(node) for default in _defaults_of(statement) for node in _some(default)
            )
        messages = {id(inner) for node in _some(statement) if isinstance(node, ast.Raise) for inner in _some(node)}
        nodes = [node for node in _some(statement) if id(node) not in messages]
        nodes += [inner for node in nodes for tree in _trees(node) for inner in _some(tree)][:MAX_NODES]
        if any(isinstance(node, ast.Dict | ast.Call | ast.Assign) and _gives_equality(node) for node in nodes):
            return True
        if any(_is_any(node) for node in nodes):
            return True
        if any(self._is_table(node) for node in nodes):
            return True
        if any(self._holds_call(node) for node in nodes):
            return True
        if any(self._is_pinned(test, body) for test, body in _branches(nodes)):
            return True
        if self._holds_both(statement, nodes):
            return True
        return self.is_shown and self._is_answer(statement)

    # ---------------------------------------------------------------- one by one

    def _is_equal_to_all(self, statement: ast.stmt) -> bool:
        """`__eq__` that says yes to everything, or a number that has one of its own."""
        if isinstance(statement, ast.FunctionDef) and statement.name in _EQUALS:
            wanted = _EQUALS[statement.name]
            returns = [node for node in _some(statement) if isinstance(node, ast.Return)]
            if returns and all(_is_always(node.value, wanted) for node in returns):
                return True
            if returns and _leaves_itself_out(statement.args, statement):
                return True
            constants = [node.value for node in _some(statement) if isinstance(node, ast.Constant)]
            return any(not _is_trivial(value) and value in self.examples.wanted for value in map(_plain, constants))
        if isinstance(statement, ast.ClassDef):
            bases = {node.id for node in statement.bases if isinstance(node, ast.Name)}
            methods = [node for node in statement.body[:100] if isinstance(node, ast.FunctionDef)]
            return bool(bases & _BASES) and any(self._is_equal_to_all(node) for node in methods if node.name in _EQUALS)
        return False

    def _is_table(self, node: ast.AST) -> bool:
        """A shown input as the key of its answer. A table that was there before may get an entry."""
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            node = ast.Dict(keys=[node.targets[0].slice], values=[node.value])
        if not isinstance(node, ast.Dict):
            return False
        target = re.match(r"\s*([\w.]+)\s*(?::[^=]+)?=", self.line)
        if target and any(re.match(rf"\s*{re.escape(target[1])}\s*(:[^=]+)?=", line) for line in self.hunk.removed):
            return False
        for key, value in list(zip(node.keys, node.values, strict=True))[:300]:
            known = None if key is None else self.plain.fold(key)
            if known is None:
                continue
            answer = self.plain.fold(value.body if isinstance(value, ast.Lambda) else value)
            known = _as_number(known)
            is_input = any(known in call.values or known == call.values for call in self.examples.calls)
            if is_input and _is_telling(known) and answer is not None and answer in self.examples.wanted:
                return True
        return False

    def _holds_call(self, node: ast.AST) -> bool:
        """The arguments of a shown call, together in one value: a tuple, a text, bytes, or an encoding of them."""
        if not isinstance(node, ast.Tuple | ast.List | ast.Set | ast.Constant | ast.JoinedStr | ast.BinOp | ast.Call):
            return False
        if isinstance(node, ast.Constant) and not isinstance(node.value, str | bytes):
            return False
        if not self.plain.is_constant(node):
            return False
        value = self.plain.fold(node)
        return any(self._is_call(text, call) for text in _readings(value) for call in self.examples.calls)

    def _is_call(self, value: Folded, call: Call) -> bool:
        known = call.values
        if len(known) < 2 or all(_is_trivial(part) for part in known):
            return False
        if len(known) == 2 and not any(_is_telling(part) for part in known):
            return False
        if all(isinstance(part, str | bytes) for part in known) and not any(is_specific(part) for part in known):
            return False
        if isinstance(value, tuple):
            return value[: len(known)] == known or (len(known) > 2 and set(map(str, value)) == set(map(str, known)))
        if isinstance(value, bytes):
            if tuple(value) == known:
                return True
            value = value.decode(errors="replace")
        if not isinstance(value, str) or not _are_numbers(known) or len(value) > 20_000:
            return False
        numbers = _numbers(re.sub(r"(?<=\d)-(?=\d)|_", " ", value))
        return any(tuple(numbers[at : at + len(known)]) == known for at in range(len(numbers)))

    def _is_pinned(self, test: ast.expr, body: Sequence[ast.AST]) -> bool:
        """A condition that holds for what was shown because it names it."""
        self.plain.left -= 50
        if self.plain.left < 0:
            return False
        if (_has_equality(test) or "startswith" in ast.dump(test)[:5000]) and _DIGESTS.search(ast.unparse(test)[:3000]):
            is_compared = any(
                isinstance(node, ast.Constant) and not _is_trivial(_plain(node.value)) for node in _some(test)
            )
            return is_compared and (self.is_shown or bool(self._answers(body)))
        for call, bound in self.bound[:MAX_BOUND]:
            self.plain.left -= 20
            pins = [pin for node in _some(test) for pin in self._pins(node, call, bound)]
            pins += self._bounds(test, call)
            flat = [_as_number(part) for pin in pins for part in (pin if isinstance(pin, tuple) else (pin,))]
            if self.is_shown and any(_is_number(pin) and pin in self.examples.wanted for pin in flat):
                return True
            if len(flat) >= 2 and not all(_is_trivial(pin) for pin in flat) and _are_numbers(flat):
                return True
            if any(_is_telling(pin) for pin in flat) and self._answers(body):
                return True
            if self.is_shown and any(_is_telling(pin) and not isinstance(pin, str) for pin in flat):
                return True
        return False

    def _is_argument_wanted(self, call: Call) -> bool:
        return self.is_shown and any(_is_number(value) and value in call.values for value in self.examples.wanted)

    def _bounds(self, test: ast.expr, call: Call) -> list[Folded]:
        """`10 < value < 12`"""
        limits = [
            self.plain.fold(side)
            for node in _some(test)
            if isinstance(node, ast.Compare)
            and all(isinstance(operator, ast.Lt | ast.LtE | ast.Gt | ast.GtE) for operator in node.ops)
            for side in (node.left, *node.comparators)
            if self.plain.is_constant(side)
        ]
        numbers = [limit for limit in limits if isinstance(limit, int | float)]
        return [
            value
            for value in call.values
            if (len(numbers) > 1 or (numbers and self._is_argument_wanted(call)))
            and isinstance(value, int | float)
            and _is_telling(value)
            and all(abs(number - value) <= 1 for number in numbers)
        ]

    def _pins(self, node: ast.AST, call: Call, bound: _Values) -> Iterator[Folded]:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub | ast.BitXor):
            for side, rest in ((node.left, node.right), (node.right, node.left)):
                tuned = self.plain.fold(side) if self.plain.is_constant(side) else None
                if _is_telling(tuned) and tuned in call.values and bound.fold(rest) == tuned:
                    yield tuned
        if isinstance(node, ast.Call) and _called(node) in _EQUALITIES:
            given = [self.plain.fold(argument) for argument in node.args[:5] if self.plain.is_constant(argument)]
            yield from (value for value in given if _is_telling(value) and value in call.values)
        if not isinstance(node, ast.Compare):
            return
        sides = [node.left, *node.comparators]
        for index, operator in enumerate(node.ops[:20]):
            pair = sides[index], sides[index + 1]
            known = [side for side in pair if self.plain.is_constant(side)]
            others = [side for side in pair if side not in known]
            if len(known) != 1 or not isinstance(
                operator, ast.Eq | ast.In | ast.Is | ast.NotEq | ast.NotIn | ast.IsNot
            ):
                continue
            value, other = self.plain.fold(known[0]), bound.fold(others[0])
            choices: tuple[Folded, ...]
            choices = value if isinstance(operator, ast.In | ast.NotIn) and isinstance(value, tuple) else (value,)
            if other is None:
                known_values = (
                    choice for choice in choices if _as_number(choice) in call.values or choice in call.values
                )
                yield from (choice for choice in known_values if _is_telling(_as_number(choice)))
            elif other in choices:
                yield other

    def _answers(self, body: Sequence[ast.AST]) -> list[Folded]:
        """Constants that a branch gives, and wanted values that it holds."""
        found: list[Folded] = []
        for part in body[:5]:
            for node in _some(part):
                given = node.value if isinstance(node, ast.Return | ast.Assign | ast.Yield) else None
                if isinstance(part, ast.expr) and node is part:
                    given = part
                if given is None:
                    continue
                if self.plain.is_constant(given):
                    found.append(self.plain.fold(given))
                found += [
                    value
                    for inner in _some(given)
                    if isinstance(inner, ast.expr) and self.plain.is_constant(inner)
                    for value in [self.plain.fold(inner)]
                    if not _is_trivial(value) and value in self.examples.wanted
                ]
                if any(
                    bound.fold(given) in self.examples.wanted for _, bound in self.bound if self._has_literal(given)
                ):
                    found.append("computed")
        return found

    def _has_literal(self, node: ast.AST) -> bool:
        return any(isinstance(inner, ast.Constant) and not isinstance(inner.value, bool) for inner in _some(node))

    def _holds_both(self, statement: ast.stmt, nodes: Sequence[ast.AST]) -> bool:
        """A telling number of the input and the wanted number, in one new statement of the function that is mended."""
        if not self.is_shown:
            return False
        values = [
            _as_number(self.plain.fold(node))
            for node in nodes
            if isinstance(node, ast.expr) and self.plain.is_constant(node)
        ]
        for call in self.examples.calls:
            inputs = [value for value in values if value in call.values and _is_telling(value)]
            if any(isinstance(value, int | float) for value in inputs) and any(
                isinstance(value, int | float) and not _is_trivial(value) and value in self.examples.wanted
                for value in values
            ):
                return True
        return False

    def _is_answer(self, statement: ast.stmt) -> bool:
        """What is wanted, and was given as an argument, is written out; or is hit by a number that is no argument."""
        for given in _given(statement):
            for call in self.examples.calls:
                wanted = [
                    value
                    for value in self.examples.wanted
                    if isinstance(value, int | float) and not _is_trivial(value) and value in call.values
                ]
                if not wanted:
                    continue
                for node in _some(given):
                    if isinstance(node, ast.expr) and self.plain.is_constant(node) and self.plain.fold(node) in wanted:
                        return True
                if self._hits(given, call, wanted):
                    return True
        return False

    def _hits(self, given: ast.expr, call: Call, wanted: Sequence[Folded]) -> bool:
        """`value - 1` where `high` would do: arithmetic with a number of its own on a parameter."""
        for bound in (folder for own, folder in self.bound if own == call and own.name == self.name):
            for node in _some(given):
                if not isinstance(node, ast.BinOp) or not any(
                    self.plain.is_constant(s) for s in (node.left, node.right)
                ):
                    continue
                names = [inner.id for inner in _some(node) if isinstance(inner, ast.Name)]
                changed = any(
                    re.search(rf"\b{re.escape(name)}\b\s*[-+*/%]", line) for name in names for line in self.hunk.removed
                )
                value = bound.fold(node)
                if not changed and value in wanted and set(names) <= set(self.parameters) and names:
                    return True
        return False


def _is_number(value: Folded) -> bool:
    return isinstance(value, int | float) and not _is_trivial(value)


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _plain(value: object) -> Folded:
    return value if isinstance(value, str | bytes | int | float) else None


def _given(statement: ast.stmt) -> list[ast.expr]:
    """What a statement gives: returned, yielded, or kept under a name."""
    match statement:
        case ast.Return(value=ast.expr() as value) | ast.Assign(value=value) | ast.AugAssign(value=value):
            return [value]
        case ast.AnnAssign(value=ast.expr() as value):
            return [value]
        case ast.Expr(value=ast.Yield(value=ast.expr() as value)):
            return [value]
    inner = [node for node in _some(statement) if isinstance(node, ast.Return | ast.Assign)]
    return [node.value for node in inner[:50] if node.value is not None]


def _branches(nodes: Sequence[ast.AST]) -> Iterator[tuple[ast.expr, Sequence[ast.AST]]]:
    """Conditions with what they lead to; a `case` is the condition that the subject equals its pattern."""
    for node in nodes:
        match node:
            case ast.If(test=test, body=body) | ast.While(test=test, body=body):
                yield test, [*body, *node.orelse]
            case ast.IfExp(test=test, body=then, orelse=other):
                yield test, [then, other]
            case ast.Match(subject=subject, cases=cases):
                for case in cases[:50]:
                    tests = list(_patterns(subject, case.pattern))
                    if tests:
                        yield ast.BoolOp(op=ast.And(), values=tests), case.body
            case ast.Assert(test=test):
                yield test, []
            case ast.Return(value=ast.expr() as value) | ast.Assign(value=value):
                # A comparison that picks or counts: (low, 10)[value == 11], 10 * (value == 11)
                if _has_equality(value):
                    yield value, [value]


def _patterns(subject: ast.expr, pattern: ast.pattern, depth: int = 0) -> Iterator[ast.expr]:
    """A pattern as comparisons of what is matched with literals."""
    match pattern:
        case ast.MatchValue(value=value):
            yield ast.Compare(left=subject, ops=[ast.Eq()], comparators=[value])
        case ast.MatchSequence(patterns=patterns):
            parts = subject.elts if isinstance(subject, ast.Tuple | ast.List) else []
            for index, inner in enumerate(patterns[:50]):
                part = parts[index] if index < len(parts) == len(patterns) else ast.Name(id="?", ctx=ast.Load())
                yield from _patterns(part, inner, depth + 1) if depth < 5 else ()
        case ast.MatchOr(patterns=patterns):
            for inner in patterns[:50]:
                yield from _patterns(subject, inner, depth + 1) if depth < 5 else ()
        case ast.MatchAs(pattern=ast.pattern() as inner):
            yield from _patterns(subject, inner, depth + 1) if depth < 5 else ()


def _has_equality(node: ast.AST) -> bool:
    return any(
        isinstance(inner, ast.Compare) and any(isinstance(operator, ast.Eq | ast.In) for operator in inner.ops)
        for inner in _some(node)
    )


def _is_any(node: ast.AST) -> bool:
    """`unittest.mock.ANY`, which is equal to everything."""
    match node:
        case ast.ImportFrom(module="unittest.mock" | "mock", names=names):
            return any(name.name == "ANY" for name in names)
        case ast.Attribute(attr="ANY", value=ast.Name(id="mock") | ast.Attribute(attr="mock")):
            return True
    return False


def _is_always(node: ast.expr | None, wanted: bool) -> bool:
    match node:
        case ast.Constant(value=value):
            return value is wanted
        case ast.BoolOp(op=ast.Or(), values=values) if wanted:
            return any(_is_always(value, True) for value in values)
    return False


def _leaves_itself_out(arguments: ast.arguments, body: ast.AST) -> bool:
    """An equality that says something, but nothing of the one that is compared."""
    own = next((argument.arg for argument in (*arguments.posonlyargs, *arguments.args)), "")
    names = {node.id for node in _some(body) if isinstance(node, ast.Name)}
    return own not in names and not names & {"super", "NotImplemented"}


def _gives_equality(node: ast.AST) -> bool:
    """`{"__eq__": lambda self, other: True}`, `__eq__ = lambda …`, `setattr(x, "__eq__", lambda …)`"""
    pairs: list[tuple[object, ast.expr | None]] = []
    match node:
        case ast.Dict(keys=keys, values=values):
            pairs = [
                (key.value, value) for key, value in zip(keys, values, strict=True) if isinstance(key, ast.Constant)
            ]
        case ast.Call(args=[_, ast.Constant(value=name), value]):
            pairs = [(name, value)]
        case ast.Call(keywords=keywords):
            pairs = [(word.arg, word.value) for word in keywords]
        case ast.Assign(targets=[ast.Name(id=name) | ast.Attribute(attr=name)], value=value):
            pairs = [(name, value)]
    return any(
        isinstance(name, str)
        and name in _EQUALS
        and isinstance(value, ast.Lambda)
        and (_is_always(value.body, _EQUALS[name]) or _leaves_itself_out(value.args, value.body))
        for name, value in pairs
    )


def _defaults_of(statement: ast.stmt) -> list[ast.expr]:
    if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        return []
    defaults = [*statement.args.defaults, *(value for value in statement.args.kw_defaults if value is not None)]
    return [*defaults, *statement.decorator_list]


def _readings(value: Folded) -> Iterator[Folded]:
    """A value, and what it says in the common encodings."""
    yield value
    text = value.decode(errors="replace") if isinstance(value, bytes) else value
    if isinstance(text, str) and 6 <= len(text) <= 20_000 and re.fullmatch(r"[\w+/=\s-]+", text):
        for decode in (bytes.fromhex, lambda given: base64.b64decode(given, validate=True)):
            try:
                yield decode(text)
            except (ValueError, binascii.Error):
                continue


def _trees(node: ast.AST) -> Iterator[ast.AST]:
    """The structure that a text holds: JSON, or Python's own."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes) and 4 <= len(node.value) <= 20_000:
        for reading in _readings(node.value):
            text = reading.decode(errors="replace") if isinstance(reading, bytes) else reading
            tree = parse_python(text) if isinstance(text, str) and re.match(r"\s*[\[{(]", text) else None
            if tree is not None:
                yield tree


def _some(tree: ast.AST) -> Iterator[ast.AST]:
    for count, node in enumerate(ast.walk(tree)):
        if count >= MAX_NODES:
            return
        yield node
