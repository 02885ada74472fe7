"""The language of `--where`: comparisons of named columns, joined by and, or, not, and parentheses.

    agent = 'react' and (reward >= 1 or steps < 20) and model in ('a', 'b') and task like 'sqlparse%'

Parsed strictly into a bound SQL expression: no text of the user's reaches the database as SQL. Values must fit
their column (`columns.py`): a text in quotes, a number, true or false, or (for `started_at`) a date and time in
ISO 8601, UTC.
"""

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

from sqlalchemy import ColumnElement, TypeDecorator, and_, not_, or_, true
from sqlalchemy.orm import InstrumentedAttribute

from trajectories.columns import COLUMNS, Column
from trajectories.errors import BadFilter
from trajectories.unindexed import unindexed

Value = str | float | int | bool | datetime

MAX_DEPTH = 50  # of parentheses and `not`
MAX_NUMBER = 2**63 - 1  # the largest that the databases bind as a number

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>-?\d+(?:\.\d+)?(?![\w.]))
    | '(?P<text>(?:[^']|'')*)'
    | (?P<sign><=|>=|!=|<>|=|<|>|\(|\)|,)
    | (?P<word>[A-Za-z_]\w*)
    )""",
    re.VERBOSE,
)
_SIGNS: Mapping[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<>": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_KINDS: Mapping[type, str] = {
    str: "a text in single quotes",
    int: "a number",
    float: "a number",
    bool: "true or false",
    datetime: "a date and time such as '2026-01-31T12:00' (UTC)",
}
_UNINDEXED: Mapping[str, Column] = {
    name: unindexed(column) if isinstance(column, InstrumentedAttribute) else column for name, column in COLUMNS.items()
}


@dataclass(frozen=True)
class Token:
    kind: str
    text: str


def parse_filter(expression: str, *, by_index: bool = True) -> ColumnElement[bool]:
    """The SQL expression; an empty text accepts every rollout. Raises BadFilter naming the word that is wrong.

    by_index: false where the query is in the order of an index, and is to be answered from that one.
    """
    if not expression.strip():
        return true()
    return _Parser(expression, COLUMNS if by_index else _UNINDEXED).whole()


def _tokens(expression: str) -> Iterator[Token]:
    position = 0
    while position < len(expression.rstrip()):
        found = _TOKEN.match(expression, position)
        if not found:
            raise BadFilter(f"--where: cannot read from {expression[position:].strip()!r} on in {expression!r}")
        kind = str(found.lastgroup)
        yield Token(kind, found.group(kind))
        position = found.end()


class _Parser:
    def __init__(self, expression: str, columns: Mapping[str, Column]) -> None:
        self.expression = expression
        self.columns = columns
        self.tokens = list(_tokens(expression))
        self.index = 0
        self.depth = 0

    def peek(self) -> Token | None:
        return self.tokens[self.index] if self.index < len(self.tokens) else None

    def take(self, *texts: str) -> str:
        """Step over the next token if it is one of these keywords or signs, and say which; empty if it is none."""
        token = self.peek()
        text = token.text.lower() if token and token.kind in ("word", "sign") else ""
        if text not in texts:
            return ""
        self.index += 1
        return text

    def refuse(self, expected: str) -> NoReturn:
        token = self.peek()
        found = repr(token.text) if token else "the end"
        raise BadFilter(f"--where: expected {expected}, found {found} in {self.expression!r}")

    def whole(self) -> ColumnElement[bool]:
        found = self.either()
        if self.peek():
            self.refuse("and, or, or the end")
        return found

    def either(self) -> ColumnElement[bool]:
        parts = [self.both()]
        while self.take("or"):
            parts.append(self.both())
        return or_(*parts) if len(parts) > 1 else parts[0]

    def both(self) -> ColumnElement[bool]:
        parts = [self.one()]
        while self.take("and"):
            parts.append(self.one())
        return and_(*parts) if len(parts) > 1 else parts[0]

    def one(self) -> ColumnElement[bool]:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise BadFilter(f"--where: more than {MAX_DEPTH} levels of parentheses and `not`; write it flatter")
        try:
            if self.take("not"):
                return not_(self.one())
            if self.take("("):
                inner = self.either()
                if not self.take(")"):
                    self.refuse("a closing parenthesis")
                return inner
            return self.comparison()
        finally:
            self.depth -= 1

    def comparison(self) -> ColumnElement[bool]:
        token = self.peek()
        if not token or token.kind != "word" or token.text not in COLUMNS:
            self.refuse(f"a column (one of {', '.join(COLUMNS)})")
        name, column = token.text, self.columns[token.text]
        self.index += 1
        if sign := self.take(*_SIGNS):
            compared: ColumnElement[bool] = _SIGNS[sign](column, self.value(name))
            return compared
        is_not = bool(self.take("not"))
        if self.take("in"):
            return column.not_in(self.values(name)) if is_not else column.in_(self.values(name))
        if _kind(column) is str and self.take("like"):
            pattern = str(self.value(name))
            return column.not_like(pattern) if is_not else column.like(pattern)
        signs = "in" if is_not else "=, !=, <, <=, >, >=, in, not in"
        self.refuse(signs + (" or like" if _kind(column) is str else ""))

    def values(self, name: str) -> list[Value]:
        if not self.take("("):
            self.refuse("( and a list of values")
        found = [self.value(name)]
        while self.take(","):
            found.append(self.value(name))
        if not self.take(")"):
            self.refuse("a comma or a closing parenthesis")
        return found

    def value(self, name: str) -> Value:
        """The next token as a value of that column's kind."""
        kind, token = _kind(COLUMNS[name]), self.peek()
        found = _read(kind, token) if token else None
        if found is None:
            self.refuse(f"{_KINDS[kind]} for {name}")
        self.index += 1
        return found


def _kind(column: Any) -> type:
    """SQLModel's own column types wrap SQLAlchemy's, which know their Python type."""
    wrapped = column.type.impl_instance if isinstance(column.type, TypeDecorator) else column.type
    kind: type = wrapped.python_type
    return kind


def _read(kind: type, token: Token) -> Value | None:
    """None where the token is no value of this kind."""
    if kind is bool:
        return {"true": True, "false": False, "1": True, "0": False}.get(token.text.lower())
    if kind in (int, float) and token.kind == "number":
        is_long = len(token.text) > 20  # more than MAX_NUMBER, and perhaps more than Python reads as a whole number
        number = float(token.text) if "." in token.text or is_long else int(token.text)
        return number if abs(number) <= MAX_NUMBER else None
    if token.kind != "text":
        return None
    text = token.text.replace("''", "'")
    if kind is str:
        return text if "\0" not in text else None
    if kind is datetime:
        try:
            moment = datetime.fromisoformat(text)
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            return None
    return None
