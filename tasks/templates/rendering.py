"""Jinja for templates: sandboxed, strict about names, expressions that give values and not texts."""

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, is_dataclass
from functools import lru_cache
from types import TracebackType
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, Undefined, meta, nodes
from jinja2.environment import TemplateExpression
from jinja2.sandbox import SandboxedEnvironment

MOST_LOOKED_BACK = 8  # lines from where Jinja notices a fault
_SOURCE = "<template>"  # by which Jinja's own tracebacks name a text
_CLOSED = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}")

_TAG = re.compile(r"\{%-?\+?\s*(\w+)")
_BLOCKS = frozenset({"for", "if", "filter", "call", "macro", "with"})  # `set` may be one, and is mostly none


class Fault(Exception):
    """What is wrong in a Jinja text, in which of its lines (from 1), and the name that is not there if that is it."""

    def __init__(self, what: str, line: int = 1, *, name: str = "") -> None:
        super().__init__(what)
        self.what, self.line, self.name = what, line, name


class _Environment(SandboxedEnvironment):
    def getattr(self, obj: Any, attribute: str) -> Any:
        """`world.items` is the value under this key if there is one, not the method of a dict."""
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)


def _environment() -> _Environment:
    page = _Environment(undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True, lstrip_blocks=True)
    page.filters["json"] = lambda value: json.dumps(plain(value), ensure_ascii=False)
    page.filters["sql"] = lambda value: "'" + str(value).replace("'", "''") + "'"
    for name in ("random", "shuffle"):  # what a task says depends on its parameters alone
        page.filters.pop(name, None)
    page.globals.pop("lipsum", None)
    page.globals |= {"min": min, "max": max, "abs": abs, "round": round, "len": len, "sum": sum, "sorted": sorted}
    return page


_PAGE = _environment()
KNOWN_NAMES = frozenset(_PAGE.globals)


def compile_text(text: str, names: Collection[str]) -> Callable[[Mapping[str, Any]], str]:
    """A Jinja text that may use these names. Raises Fault now, and later when it is rendered."""
    template = _text(text)
    _check(text, names)

    def render(values: Mapping[str, Any]) -> str:
        return str(_guarded(lambda: template.render(values)))

    return render


def compile_expression(text: str, names: Collection[str]) -> Callable[[Mapping[str, Any]], Any]:
    """A Jinja expression whose value is kept as it is. Raises Fault."""
    expression = _expression(text)
    _check("{{ (" + text + "\n) }}", names)

    def evaluate(values: Mapping[str, Any]) -> Any:
        value = _guarded(lambda: expression(**values))
        if isinstance(value, Undefined):
            _guarded(lambda: str(value))  # says what is not there
        return value

    return evaluate


@lru_cache(maxsize=1024)
def _text(text: str) -> Template:
    try:
        return _PAGE.from_string(text)
    except TemplateSyntaxError as error:
        raise _syntax_fault("text", text, error) from error


@lru_cache(maxsize=1024)
def _expression(text: str) -> TemplateExpression:
    try:
        return _PAGE.compile_expression(text.strip(), undefined_to_none=False)
    except TemplateSyntaxError as error:
        raise _syntax_fault("expression", text, error) from error


def _syntax_fault(kind: str, text: str, error: TemplateSyntaxError) -> Fault:
    line = _left_open(text, error.lineno) if kind == "text" else error.lineno
    noticed = f" (noticed {error.lineno - line} lines below)" if line != error.lineno else ""
    if kind == "text" and not noticed and (above := error.lineno - _still_open(text, error.lineno)) > 0:
        noticed = f" (what is open here was opened {above} lines above: an end is missing in between)"
    return Fault(f"is no valid Jinja {kind}: {error.message}{noticed}", line)


def _still_open(text: str, line: int) -> int:
    """The line of the innermost block that is open before this line; the line itself if none is."""
    opened: list[int] = []
    for number, part in enumerate(text.splitlines()[: line - 1], start=1):
        for word in _TAG.findall(part):
            if word in _BLOCKS:
                opened.append(number)
            elif word.removeprefix("end") in _BLOCKS and opened:
                opened.pop()
    return opened[-1] if opened else line


def _check(text: str, names: Collection[str]) -> None:
    """Every name that a text uses is one of these, Jinja's own, or set in the text itself."""
    used = _names_used(text)
    if unknown := {name: line for name, line in used.items() if name not in names and name not in KNOWN_NAMES}:
        name, line = min(unknown.items(), key=lambda each: each[1])
        known = ", ".join(sorted(names)) or "none"
        raise Fault(f"there is no parameter {name!r} here; there are: {known}", line, name=name)


@lru_cache(maxsize=1024)
def _names_used(text: str) -> dict[str, int]:
    """Name -> the first line that uses it."""
    tree = _PAGE.parse(text)
    unset = meta.find_undeclared_variables(tree)
    lines: dict[str, int] = {}
    for node in tree.find_all(nodes.Name):
        if node.name in unset:
            lines[node.name] = min(node.lineno, lines.get(node.name, node.lineno))
    return lines


def _left_open(text: str, line: int) -> int:
    """The line, at a line or a few above it, in which a bracket opens and does not close: Jinja notices late."""
    lines = text.splitlines()
    for number in range(min(line, len(lines)), max(0, line - MOST_LOOKED_BACK), -1):
        rest = _CLOSED.sub("", lines[number - 1])
        if any(opening in rest for opening in ("{{", "{%", "{#")):
            return number
    return line


def _guarded(act: Callable[[], Any]) -> Any:
    try:
        return act()
    except Exception as error:
        raise Fault(f"{type(error).__name__}: {error}", _line_in(error.__traceback__)) from error


def _line_in(trace: TracebackType | None) -> int:
    """The line of the Jinja text that a traceback passes through last."""
    line = 1
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == _SOURCE:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def plain(value: Any) -> Any:
    """JSON's values: dataclasses as objects, tuples as lists. Raises Fault for anything else."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise Fault(f"a {type(value).__name__} is no plain value (text, number, list, mapping): {value!r:.80}")


def as_bytes(value: Any) -> bytes:
    """A file's content: a text in UTF-8, bytes as they are, anything else as JSON. Raises Fault."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    return (json.dumps(plain(value), indent=1, ensure_ascii=False) + "\n").encode()


def names_used(expression: str) -> set[str]:
    """Names that a valid expression takes from outside."""
    return set(_names_used("{{ (" + expression + "\n) }}"))


def parameter_names(text: str) -> set[str]:
    """`:name` in a query, outside of quotes and casts."""
    return set(re.findall(r"(?<![:\w]):([A-Za-z]\w*)", re.sub(r"'(?:[^']|'')*'", "", text)))
