"""The language of `--where`: comparisons of named columns, joined by and, or, not, and parentheses.

    agent = 'react' and (reward >= 1 or steps < 20) and model in ('a', 'b') and task like 'sqlparse%'

Parsed strictly into a bound SQL expression: no text of the user's reaches the database as SQL. Values must fit
their column: a text in quotes, a number, true or false, or (for `started_at`) a date and time in ISO 8601, UTC.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Float,
    SQLColumnExpression,
    TypeDecorator,
    and_,
    case,
    cast,
    func,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.orm import InstrumentedAttribute, aliased
from sqlmodel import col

from trajectories.errors import BadFilter
from trajectories.tables import FindingRow, MarkRow, RolloutRow, SuiteRow, TaskRow
from trajectories.unindexed import unindexed

Value = str | float | int | bool | datetime
Column = SQLColumnExpression[Any]

MAX_DEPTH = 50  # of parentheses and `not`
MAX_NUMBER = 2**63 - 1  # the largest that the databases bind as a number


def _of_task(column: Any) -> Column:
    """A column of the rollout's task; null where the task is not registered or was not measured."""
    return (
        select(col(column))
        .where(col(TaskRow.suite_hash) == col(RolloutRow.suite_hash), col(TaskRow.id) == col(RolloutRow.task_id))
        .correlate(RolloutRow)
        .scalar_subquery()
    )


def _mark(kind: str, *of: ColumnElement[bool]) -> Column:
    """The newest mark of that kind that was not withdrawn; an empty text where there is none."""
    newest = (
        select(col(MarkRow.value))
        .where(col(MarkRow.kind) == kind, col(MarkRow.withdrawn_at).is_(None), *of)
        .order_by(col(MarkRow.id).desc())
        .limit(1)
        .correlate(RolloutRow)
        .scalar_subquery()
    )
    return func.coalesce(newest, "")


_peer = aliased(RolloutRow)
_PASS_RATE = (
    select(cast(func.avg(case((col(_peer.reward) >= 1.0, 1.0), else_=0.0)), Float))
    .where(
        col(_peer.suite_hash) == col(RolloutRow.suite_hash),
        col(_peer.task_id) == col(RolloutRow.task_id),
        col(_peer.is_unknown).is_(False),
        col(_peer.is_privileged).is_(False),
        col(_peer.attempts) == 0,
    )
    .correlate(RolloutRow)
    .scalar_subquery()
)
"""Solved rollouts of all honest ones of the same task, by any agent that was not given the reference."""

COLUMNS: Mapping[str, Column] = {
    "id": col(RolloutRow.id),
    "suite": col(RolloutRow.suite_hash),
    "suite_name": select(col(SuiteRow.name))
    .where(col(SuiteRow.hash) == col(RolloutRow.suite_hash))
    .correlate(RolloutRow)
    .scalar_subquery(),
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
    "unknown": col(RolloutRow.is_unknown),
    "privileged": col(RolloutRow.is_privileged),
    "steps": col(RolloutRow.steps),
    "tokens": col(RolloutRow.prompt_tokens) + col(RolloutRow.completion_tokens),
    "prompt_tokens": col(RolloutRow.prompt_tokens),
    "completion_tokens": col(RolloutRow.completion_tokens),
    "cost_usd": col(RolloutRow.cost_usd),
    "invalid_tool_calls": col(RolloutRow.invalid_tool_calls),
    "attempts": col(RolloutRow.attempts),
    "findings": select(func.count())
    .select_from(FindingRow)
    .where(
        col(FindingRow.suite_hash) == col(RolloutRow.suite_hash),
        col(FindingRow.task_id) == col(RolloutRow.task_id),
    )
    .correlate(RolloutRow)
    .scalar_subquery(),
    "difficulty_files": _of_task(TaskRow.difficulty_files),
    "difficulty_lines": _of_task(TaskRow.difficulty_lines),
    "difficulty_tests": _of_task(TaskRow.difficulty_tests),
    "difficulty_distance": _of_task(TaskRow.difficulty_distance),
    "difficulty_pass_rate": _PASS_RATE,
    "task_mark": _mark(
        "task",
        col(MarkRow.suite_hash) == col(RolloutRow.suite_hash),
        col(MarkRow.task_id) == col(RolloutRow.task_id),
    ),
    "label": _mark("label", col(MarkRow.rollout_id) == col(RolloutRow.id)),
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


_UNINDEXED: Mapping[str, Column] = {
    name: unindexed(column) if isinstance(column, InstrumentedAttribute) else column for name, column in COLUMNS.items()
}


def parse_filter(expression: str, *, by_index: bool = True) -> ColumnElement[bool]:
    """The SQL expression; an empty text accepts every rollout. Raises BadFilter naming the word that is wrong.

    by_index: false where the query is in the order of an index, and is to be answered from that one.
    """
    if not expression.strip():
        return true()
    parser = _Parser(expression, COLUMNS if by_index else _UNINDEXED)
    result = parser.either()
    if parser.peek():
        parser.refuse("and, or, or the end")
    return result


class _Parser:
    def __init__(self, expression: str, columns: Mapping[str, Column]) -> None:
        self.expression = expression
        self.columns = columns
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
        self.depth = 0

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
        assert token is not None
        name, column = token.text, self.columns[token.text]
        self.index += 1
        if self.take("="):
            return column == self.value(name)
        if self.take("!=", "<>"):
            return column != self.value(name)
        if self.take("<="):
            return column <= self.value(name)
        if self.take(">="):
            return column >= self.value(name)
        if self.take("<"):
            return column < self.value(name)
        if self.take(">"):
            return column > self.value(name)
        if self.take("in"):
            return column.in_(self.values(name))
        is_not = self.take("not")
        if is_not and self.take("in"):
            return column.not_in(self.values(name))
        if _kind(column) is str and self.take("like"):
            pattern = str(self.value(name))
            return column.not_like(pattern) if is_not else column.like(pattern)
        signs = "in" if is_not else "=, !=, <, <=, >, >=, in, not in"
        self.refuse(signs + (" or like" if _kind(column) is str else ""))
        raise AssertionError

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
            self.refuse(f"{KINDS[kind]} for {name}")
        assert found is not None
        self.index += 1
        return found


KINDS: Mapping[type, str] = {
    str: "a text in single quotes",
    int: "a number",
    float: "a number",
    bool: "true or false",
    datetime: "a date and time such as '2026-01-31T12:00' (UTC)",
}


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
        number = float(token.text) if "." in token.text else int(token.text)
        return number if abs(number) <= MAX_NUMBER else None
    if token.kind != "text":
        return None
    text = token.text.replace("''", "'")
    if kind is str:
        return text if "\0" not in text else None
    if kind is datetime:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return None
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None
