r"""Which bodies may hold a secret: all of a batch at once, a hundred times as fast as looking for each shape in turn.

The shapes of redaction.py are translated into coarser expressions without looks around, which automata read in linear
time (matching.py), on the JSON as it will be written. They accept whatever a shape matches in a text of the rollout,
and some more: who is accepted is then redacted text by text. A shape that cannot be translated accepts everything.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from importlib import import_module
from itertools import takewhile
from threading import Lock
from typing import Any

from trajectories.matching import Matcher
from trajectories.redaction import MIN_LENGTH, shape_patterns

MOST = 40
"""A repetition of more is asked for this often: RE2 unrolls them."""

_NOT_ASCII = r"\x{80}-\x{10FFFF}"
_POSITIVE = {  # Python's categories know letters, digits and spaces of all scripts
    "CATEGORY_DIGIT": "0-9" + _NOT_ASCII,
    "CATEGORY_WORD": "0-9A-Za-z_" + _NOT_ASCII,
    "CATEGORY_SPACE": r"\x00-\x20" + _NOT_ASCII,
}
_NEGATED = {"CATEGORY_DIGIT": "0-9", "CATEGORY_WORD": "0-9A-Za-z_", "CATEGORY_SPACE": r"\x09-\x0D\x20"}
_IN_CATEGORY = {"CATEGORY_DIGIT": str.isdigit, "CATEGORY_WORD": str.isalnum, "CATEGORY_SPACE": str.isspace}
_UNICODE_ESCAPE = r"\\u[0-9a-fA-F]{4}"
_ESCAPES = {'"': r"\\\"", "\\": r"\\\\", "\n": r"\\n", "\r": r"\\r", "\t": r"\\t", "\b": r"\\b", "\f": r"\\f"}
"""Character -> how JSON writes it, as an expression; other control characters are `\\u00XX`."""

_START_OF_WORD = rf"(?:^|[^0-9A-Za-z_]|\\[bfnrt]|{_UNICODE_ESCAPE})"
"""A word's border before a word: what stands before may be the end of an escape."""


def suspects(bodies: Sequence[bytes], secrets: Mapping[str, str] | None = None) -> list[bool]:
    """Of each rollout's JSON, whether `redact` has to look at it; `secrets`: name -> value, as for `redact`."""
    values = tuple(sorted(value for value in (secrets or {}).values() if len(value) >= MIN_LENGTH))
    return _matcher(values).matches(bodies)


_BY_BEGINNING = ("private-key",)
"""Kinds that are known by what stands before a long repetition, which Hyperscan refuses to count."""

_APART = ("aws-secret", "discord-token")
"""Kinds with so many states beside the others' that RE2's automaton outgrows its memory, and falls back to a quarter of
the speed. By themselves they begin with a text, which RE2 looks for at the memory's speed."""


_making = Lock()


def _matcher(values: tuple[str, ...]) -> Matcher:
    """For all shapes and values; two threads that ask at once wait for the same one."""
    with _making:
        return _made(values)


@lru_cache(maxsize=8)
def _made(values: tuple[str, ...]) -> Matcher:
    apart, shortened = shape_patterns(*_APART), shape_patterns(*_BY_BEGINNING)
    together = dict.fromkeys(
        coarse(pattern, is_beginning=pattern in shortened) for pattern in shape_patterns() if pattern not in apart
    )
    literals = [_escaped(json.dumps(value, ensure_ascii=False)[1:-1]) for value in values]
    return Matcher([*together, *literals], [coarse(pattern, is_bare=True) for pattern in apart])


def coarse(pattern: re.Pattern[str], *, is_bare: bool = False, is_beginning: bool = False) -> str:
    """RE2's expression for JSON that holds what the pattern matches; an empty one, which matches all, if there is none.

    `is_bare`: without a repetition that the pattern begins with. `is_beginning`: only what stands before a repetition
    of `MOST` or more.

    Raises nothing: what is not known here is left out, which accepts more.
    """
    parser: Any = import_module("re._parser")
    nodes = _shortened(_flat(parser.parse(pattern.pattern, pattern.flags)), is_bare)
    if is_beginning:
        nodes = list(takewhile(lambda node: not _is_long(*node), nodes))
    try:
        return _Translation(bool(pattern.flags & re.IGNORECASE)).of(nodes)
    except _Unknown:
        return ""


_Node = tuple[Any, Any]


def _flat(nodes: Iterable[_Node]) -> list[_Node]:
    """Groups without flags taken apart."""
    flat: list[_Node] = []
    for kind, value in nodes:
        if str(kind) == "SUBPATTERN" and value[1] == value[2] == 0:
            flat += _flat(value[3])
        else:
            flat.append((kind, value))
    return flat


def _is_long(kind: Any, value: Any) -> bool:
    return str(kind) in ("MAX_REPEAT", "MIN_REPEAT") and int(value[0]) >= MOST


def _shortened(nodes: list[_Node], is_bare: bool) -> list[_Node]:
    """Without what would have RE2 count in every word: what stands before `.+`, or before a repetition at the start."""
    is_start = True
    kept = nodes
    for at, (kind, value) in enumerate(nodes):
        is_repetition = str(kind) in ("MAX_REPEAT", "MIN_REPEAT")
        if is_repetition and str(value[2][0][0]) == "ANY" and at + 1 < len(nodes):
            kept = nodes[at + 1 :]
        elif is_repetition and is_start:
            least = min(int(value[0]), 1)
            kept = [*([] if is_bare else [(kind, (least, least, value[2]))]), *nodes[at + 1 :]]
        is_start = is_start and str(kind) not in ("LITERAL", "BRANCH", "SUBPATTERN")
    return kept


class _Unknown(Exception):
    pass


class _Translation:
    """Of one pattern's parts, in order. `ignores_case`: also of the part that is being read."""

    def __init__(self, ignores_case: bool) -> None:
        self.ignores_case = ignores_case
        self.is_at_start = True

    def of(self, nodes: Iterable[_Node]) -> str:
        text = "".join(self._node(str(kind), value) for kind, value in nodes)
        return f"(?i:{text})" if self.ignores_case and text else text

    def _node(self, kind: str, value: Any) -> str:
        match kind:
            case "AT":
                return _START_OF_WORD if str(value) == "AT_BOUNDARY" and self.is_at_start else ""
            case "ASSERT" | "ASSERT_NOT":
                return ""
            case "SUBPATTERN":
                return self._group(*value)
            case "BRANCH":
                return self._branches(value[1])
            case "MAX_REPEAT" | "MIN_REPEAT":
                return self._repeated(*value)
            case "LITERAL":
                text = _one_of([("LITERAL", value)])
            case "NOT_LITERAL":
                text = _one_of([("NEGATE", None), ("LITERAL", value)])
            case "ANY":
                text = _one_of([("NEGATE", None), ("LITERAL", ord("\n"))])
            case "IN":
                text = _one_of([(str(name), item) for name, item in value])
            case _:
                raise _Unknown(kind)
        self.is_at_start = False
        return text

    def _group(self, number: int | None, adds: int, drops: int, inner: Iterable[_Node]) -> str:
        if drops:
            raise _Unknown("flags that are switched off")
        before = self.ignores_case
        self.ignores_case = before or bool(adds & re.IGNORECASE)
        text = self.of(inner)
        self.ignores_case = before
        return f"(?:{text})" if text else ""

    def _branches(self, branches: Iterable[Iterable[_Node]]) -> str:
        was_at_start, texts, ends = self.is_at_start, list[str](), list[bool]()
        for branch in branches:
            self.is_at_start = was_at_start
            texts.append(self.of(branch))
            ends.append(self.is_at_start)
        self.is_at_start = any(ends)
        return f"(?:{'|'.join(texts)})" if any(texts) else ""

    def _repeated(self, least: int, most: Any, inner: Iterable[_Node]) -> str:
        was_at_start = self.is_at_start
        text = self.of(inner)
        self.is_at_start = was_at_start and (self.is_at_start or least == 0)
        if not text:
            return ""
        upper = "" if not isinstance(most, int) or int(most) > MOST else str(int(most))
        return f"(?:{text}){{{min(int(least), MOST)},{upper}}}"


def _one_of(items: list[tuple[str, Any]]) -> str:
    """A set of characters, each as JSON writes it."""
    is_negated = items[0][0] == "NEGATE"
    parts = items[is_negated:]
    ranges = "".join(_range(name, item, _NEGATED if is_negated else _POSITIVE) for name, item in parts)
    escapes = [text for char, text in _ESCAPES.items() if _holds(parts, char) != is_negated]
    if is_negated or any(_holds(parts, chr(code)) for code in range(32)):
        escapes.append(_UNICODE_ESCAPE)
    plain = f"[{'^' if is_negated else ''}{ranges}]"
    return f"(?:{'|'.join([plain, *escapes])})" if escapes else plain


def _range(name: str, item: Any, categories: Mapping[str, str]) -> str:
    match name:
        case "LITERAL":
            return f"\\x{{{item:X}}}"
        case "RANGE":
            return f"\\x{{{item[0]:X}}}-\\x{{{item[1]:X}}}"
        case "CATEGORY" if str(item) in categories:
            return categories[str(item)]
    raise _Unknown(name)


def _holds(items: list[tuple[str, Any]], char: str) -> bool:
    """Whether a character is in a set."""
    return any(
        (name == "LITERAL" and ord(char) == item)
        or (name == "RANGE" and item[0] <= ord(char) <= item[1])
        or (name == "CATEGORY" and (_IN_CATEGORY[str(item)](char) or (char == "_" and str(item) == "CATEGORY_WORD")))
        for name, item in items
    )


def _escaped(text: str) -> str:
    """A text as an expression that matches it alone."""
    return "".join(f"\\x{{{ord(char):X}}}" for char in text)
