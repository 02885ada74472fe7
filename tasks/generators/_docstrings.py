"""Docstrings as they stand in a file, and what can become wrong in them when the code moves on."""

import ast
import doctest
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

import libcst as cst

from tasks.checks.documentation import DEFAULT, Entry, Function, entries, signature
from tasks.generators._source_file import Definition, Edit, SourceFile
from tasks.generators._walk import is_docstring

MOST_RESULTS = 3  # of one docstring that are made wrong together


@dataclass(frozen=True)
class Docstring:
    """`text` lies in the file from byte `start` on, as it is: there is no escape in it."""

    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text.encode())

    def replaced(self, text: str, kind: str) -> Edit:
        return Edit(self.start, self.end, text.encode(), kind)


def docstring_of(file: SourceFile, definition: Definition) -> Docstring | None:
    """None where there is none, or where what is written is not what it says (escapes, joined strings)."""
    body = definition.node.body.body
    if not body or not is_docstring(body[0]) or not isinstance(body[0], cst.SimpleStatementLine):
        return None
    value = body[0].body[0]
    if not isinstance(value, cst.Expr) or not isinstance(value.value, cst.SimpleString):
        return None
    string = value.value
    if "b" in string.prefix.lower():
        return None
    before, after = len(string.prefix) + len(string.quote), len(string.quote)
    text = string.value[before:-after]
    if ast.literal_eval(string.value) != text or "\r" in text:
        return None
    return Docstring(text, file.span(string)[0] + before)


@dataclass(frozen=True)
class Stale:
    """A docstring that was right once; `kind` says which part is wrong now."""

    text: str
    kind: str


def stale_forms(docstring: Docstring, function: Function, rng: Random) -> Iterator[Stale]:
    """At most one of each kind: results of examples, a stated default, a parameter's name, a missing parameter."""
    for form in (_other_results, _other_default, _other_name, _missing_parameter):
        if (stale := form(docstring.text, function, rng)) is not None:
            yield stale


def examples_of(text: str) -> list[doctest.Example]:
    """Examples of a docstring; none where doctest cannot parse it."""
    try:
        found = doctest.DocTestParser().get_examples(text)
        for each in found:
            ast.parse(each.source)
    except (ValueError, SyntaxError):
        return []
    return found


def _other_results(text: str, function: Function, rng: Random) -> Stale | None:
    lines = text.splitlines(keepends=True)
    changed = []
    for example in examples_of(text):
        if not example.want or example.exc_msg or "..." in example.want or example.options:
            continue
        first = example.lineno + example.source.count("\n")
        block = range(first, first + example.want.count("\n"))
        at = next((each for each in block if _another(lines[each], rng) != lines[each]), None)
        if at is not None:
            changed.append(at)
    rng.shuffle(changed)
    for at in changed[:MOST_RESULTS]:
        lines[at] = _another(lines[at], Random(f"{lines[at]} {at}"))
    return Stale("".join(lines), "results of examples") if changed else None


def _another(line: str, rng: Random) -> str:
    """The line with one value in it changed: a number, a truth value, a string."""
    for pattern, change in _VALUES:
        found = list(re.finditer(pattern, line))
        if found:
            match = rng.choice(found)
            return line[: match.start()] + change(match[0]) + line[match.end() :]
    return line


def _other_string(written: str) -> str:
    inner = written[1:-1]
    other = inner.swapcase() if inner.swapcase() != inner else inner + " "
    return written[0] + other + written[-1]


_VALUES: tuple[tuple[str, Callable[[str], str]], ...] = (
    (r"(?<![\w.'\"])\d+(?![\w.'\"])", lambda number: str(int(number) + 1)),
    (r"\b(?:True|False)\b", lambda value: "False" if value == "True" else "True"),
    (r"(?<!\w)'[^'\\\n]+'|(?<!\w)\"[^\"\\\n]+\"", _other_string),
)


def _other_default(text: str, function: Function, rng: Random) -> Stale | None:
    """A default that the docstring states, and the signature has, was another one before."""
    named = signature(function)
    lines = text.splitlines(keepends=True)
    found = []
    for entry in entries(text):
        default = named.get(entry.name)
        if entry.default is None or not isinstance(default, ast.Constant):
            continue
        if repr(ast.literal_eval(entry.default)) == repr(default.value):
            found.append((entry, default.value))
    if not found:
        return None
    entry, value = rng.choice(found)
    block = "".join(lines[entry.first : entry.last])
    match = DEFAULT.search(block)
    if match is None:
        return None
    start, end = match.span("value")
    other = block[:start] + _other_value(value) + block[end:]
    return Stale("".join([*lines[: entry.first], other, *lines[entry.last :]]), f"default of {entry.name}")


def _other_value(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return "False" if value else "True"
    if isinstance(value, int | float):
        return repr(value + 1)
    return repr(f"{value}_" if value else "-")


def _other_name(text: str, function: Function, rng: Random) -> Stale | None:
    """A parameter had another name before: in its entry, in quotes and emphasis, and as a keyword in examples."""
    named = signature(function)
    found = [entry for entry in entries(text) if entry.name in named and len(entry.name) > 2]
    if not found:
        return None
    entry = rng.choice(found)
    old = _older_name(entry.name, {*named, *re.findall(r"\w+", text)})
    lines = text.splitlines(keepends=True)
    name = re.escape(entry.name)
    lines[entry.first] = re.sub(rf"\b{name}\b", old, lines[entry.first], count=1)
    mentions = re.compile(rf"(?<=`){name}(?=`)|(?<=\*){name}(?=\*)")
    lines = [mentions.sub(old, line) for line in lines]
    for example in examples_of(text):
        if _passes(example.source, entry.name, function.name):
            for at in range(example.lineno, example.lineno + example.source.count("\n")):
                lines[at] = re.sub(rf"\b{name}(?=\s*=[^=])", old, lines[at])
    return Stale("".join(lines), f"name of {entry.name}")


def _older_name(name: str, taken: set[str]) -> str:
    parts = [part for part in name.split("_") if part]
    for other in (*parts[::-1], name[: max(3, len(name) // 2)], f"{name}_value"):
        if other not in taken and other.isidentifier():
            return other
    return f"the_{name}"


def _passes(source: str, keyword: str, function: str) -> bool:
    """A call of the function in the source passes this keyword."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and any(each.arg == keyword for each in node.keywords):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name == function:
                return True
    return False


def _missing_parameter(text: str, function: Function, rng: Random) -> Stale | None:
    """A parameter came to the code and not to the docstring."""
    named = signature(function)
    documented = entries(text)
    found = [entry for entry in documented if entry.name in named]
    if len(documented) < 2 or not found:
        return None
    entry = rng.choice(found)
    lines = text.splitlines(keepends=True)
    return Stale("".join(_without(lines, entry)), f"entry of {entry.name}")


def _without(lines: list[str], entry: Entry) -> list[str]:
    return lines[: entry.first] + lines[entry.last :]
