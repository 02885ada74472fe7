"""Checks of a moment of a web site, pure functions over plain data: what its page shows, what its database holds."""

import re
import sqlite3
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, urlsplit

KINDS = ("path", "query", "text", "no_text", "field", "sql")
_COMPANIONS = {"sql": ("equals", "unchanged"), "field": ("value",)}
_MOST_SHOWN = 200


class Tables:
    """A site's database as it was told: name -> {columns, rows}. Asked by SQL; made when it is first asked."""

    def __init__(self, told: dict[str, dict[str, list[Any]]]) -> None:
        self._told = told

    @cached_property
    def _database(self) -> sqlite3.Connection:
        database = sqlite3.connect(":memory:", check_same_thread=False)
        for name, table in self._told.items():
            database.execute(f"create table {_quoted(name)} ({', '.join(map(_quoted, table['columns']))})")
            marks = ", ".join("?" * len(table["columns"]))
            database.executemany(f"insert into {_quoted(name)} values ({marks})", table["rows"])
        return database

    def ask(self, sql: str) -> list[list[Any]]:
        """All rows. Raises sqlite3.Error."""
        return [list(row) for row in self._database.execute(sql)]


@dataclass(frozen=True)
class Moment:
    """What was to be seen after one step: the page, and the site's tables (none where the site tells none)."""

    url: str
    text: str
    fields: dict[str, str] = field(default_factory=dict)
    tables: Tables = field(default_factory=lambda: Tables({}))


def misfit(check: Any) -> str:
    """What is wrong with a check's form; "" where nothing is."""
    if not isinstance(check, dict):
        return "must be an object"
    kinds = [kind for kind in KINDS if kind in check]
    if len(kinds) != 1:
        return f"must have one of {', '.join(KINDS)}, and has {', '.join(kinds) or 'none'}"
    (kind,) = kinds
    companions = _COMPANIONS.get(kind, ())
    if others := [name for name in check if name not in (kind, "name", *companions)]:
        return f"{kind} does not go with {others[0]!r}"
    if companions and sum(name in check for name in companions) != 1:
        return f"{kind} needs {' or '.join(companions)}"
    if check.get("unchanged", True) is not True:
        return "unchanged can only be true"
    wanted: type = dict if kind == "query" else str
    if not isinstance(check[kind], wanted):
        return f"{kind} must be {'an object' if wanted is dict else 'a text'}"
    if kind == "path":
        try:
            re.compile(check[kind])
        except re.error as error:
            return f"path is no regular expression: {error}"
    return ""


def holds(check: dict[str, Any], moment: Moment, first: Moment) -> bool:
    """Whether it is so at this moment; `first`: before the first step. Raises sqlite3.Error for bad SQL."""
    url = urlsplit(moment.url)
    if "path" in check:
        return re.fullmatch(check["path"], url.path) is not None
    if "query" in check:
        given = dict(parse_qsl(url.query, keep_blank_values=True))
        return all(given.get(name, "") == value for name, value in check["query"].items())
    if "text" in check:
        return _plain(check["text"]) in _plain(moment.text)
    if "no_text" in check:
        return _plain(check["no_text"]) not in _plain(moment.text)
    if "field" in check:
        return moment.fields.get(check["field"]) == str(check["value"])
    wanted = first.tables.ask(check["sql"]) if "unchanged" in check else check["equals"]
    return _same(moment.tables.ask(check["sql"]), wanted)


def told(check: dict[str, Any], moment: Moment) -> str:
    """What there was instead, for people."""
    if "sql" in check:
        return f"the database gives {str(moment.tables.ask(check['sql']))[:_MOST_SHOWN]}"
    if "field" in check:
        return f"the page has {check['field']} = {moment.fields.get(check['field'])!r}"
    return f"the page was {moment.url[:_MOST_SHOWN]}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _same(found: list[list[Any]], wanted: Any) -> bool:
    """`wanted`: rows, or one value for a query of one row and column."""
    if not isinstance(wanted, list):
        wanted = [[wanted]]
    rows: list[list[Any]] = [list(row) if isinstance(row, list | tuple) else [row] for row in wanted]
    return found == rows
