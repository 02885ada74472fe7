"""The language of `--where`: comparisons of named columns, joined by and, or, not, and parentheses.

    agent = 'react' and (reward >= 1 or steps < 20) and model in ('a', 'b') and task like 'sqlparse%'

Parsed strictly into a bound SQL expression: no text of the user's reaches the database as SQL.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, and_, not_, or_, true
from sqlmodel import col

from trajectories.errors import BadFilter
from trajectories.tables import RolloutRow

Value = str | float | int | bool

COLUMNS: Mapping[str, SQLColumnExpression[Any]] = {
    "id": col(RolloutRow.id),
    "suite": col(RolloutRow.suite_hash),
    "task": col(RolloutRow.task_id),
    "family": col(RolloutRow.family),
    "repository": col(RolloutRow.repository),
    "license": col(RolloutRow.license),
    "agent": col(RolloutRow.agent),
    "model": col(RolloutRow.model),
    "backend": col(RolloutRow.backend),
    "attempt": col(RolloutRow.attempt),
    "ending": col(RolloutRow.ending),
    "reward": col(RolloutRow.reward),
    "steps": col(RolloutRow.steps),
    "prompt_tokens": col(RolloutRow.prompt_tokens),
    "completion_tokens": col(RolloutRow.completion_tokens),
    "cost_usd": col(RolloutRow.cost_usd),
    "invalid_tool_calls": col(RolloutRow.invalid_tool_calls),
    "total_sec": col(RolloutRow.total_sec),
    "started_at": col(RolloutRow.started_at),
}

TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>-?\d+(?:\.\d+)?(?![\w.]))
    | '(?P<text>(?:[^']|'')*)'
    | (?P<sign><=|>=|!=|<>|=|<|>|\(|\)|,)
    | (?P<word>[A-Za-z_]\w*)
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Token:
    kind: str
    text: str
    at: int


def parse_filter(expression: str) -> ColumnElement[bool]:
    """The SQL expression; an empty text accepts every rollout. Raises BadFilter naming the word that is wrong."""
    if not expression.strip():
        return true()
    parser = _Parser(expression)
    result = parser.either()
    if parser.peek():
        parser.refuse("and, or, or the end")
    return result


class _Parser:
    def __init__(self, expression: str) -> None:
        self.expression = expression
        self.tokens: list[Token] = []
        position = 0
        while position < len(expression.rstrip()):
            found = TOKEN.match(expression, position)
            if not found:
                raise BadFilter(f"--where: cannot read from {expression[position:].strip()!r} on in {expression!r}")
            kind = str(found.lastgroup)
            self.tokens.append(Token(kind, found.group(kind), found.start()))
            position = found.end()
        self.index = 0

    def peek(self) -> Token | None:
        return self.tokens[self.index] if self.index < len(self.tokens) else None

    def take(self, *texts: str) -> bool:
        """Step over the next token if it is one of these keywords or signs."""
        token = self.peek()
        if token and token.kind in ("word", "sign") and token.text.lower() in texts:
            self.index += 1
            return True
        return False

    def refuse(self, expected: str) -> None:
        token = self.peek()
        found = repr(token.text) if token else "the end"
        raise BadFilter(f"--where: expected {expected}, found {found} in {self.expression!r}")

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
        if self.take("not"):
            return not_(self.one())
        if self.take("("):
            inner = self.either()
            if not self.take(")"):
                self.refuse("a closing parenthesis")
            return inner
        return self.comparison()

    def comparison(self) -> ColumnElement[bool]:
        token = self.peek()
        if not token or token.kind != "word" or token.text not in COLUMNS:
            self.refuse(f"a column (one of {', '.join(COLUMNS)})")
        assert token is not None
        column = COLUMNS[token.text]
        self.index += 1
        if self.take("="):
            return column == self.value()
        if self.take("!=", "<>"):
            return column != self.value()
        if self.take("<="):
            return column <= self.value()
        if self.take(">="):
            return column >= self.value()
        if self.take("<"):
            return column < self.value()
        if self.take(">"):
            return column > self.value()
        if self.take("like"):
            return column.like(str(self.value()))
        if self.take("in"):
            return column.in_(self.values())
        if self.take("not"):
            if not self.take("in"):
                self.refuse("in")
            return column.not_in(self.values())
        self.refuse("=, !=, <, <=, >, >=, like, in or not in")
        raise AssertionError

    def values(self) -> list[Value]:
        if not self.take("("):
            self.refuse("( and a list of values")
        found = [self.value()]
        while self.take(","):
            found.append(self.value())
        if not self.take(")"):
            self.refuse("a comma or a closing parenthesis")
        return found

    def value(self) -> Value:
        token = self.peek()
        if token and token.kind == "text":
            self.index += 1
            return token.text.replace("''", "'")
        if token and token.kind == "number":
            self.index += 1
            return float(token.text) if "." in token.text else int(token.text)
        self.refuse("a number or a text in single quotes")
        raise AssertionError
