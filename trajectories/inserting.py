"""Many rows a statement: a statement a row gives Python to other threads at each, and waits to have it back."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Table, insert

ROWS = 400
"""Rows a statement of SQLite: what it takes to read it is small beside them, and it is read once."""


def insert_many(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows with the same columns; at least two columns."""
    if connection.dialect.name == "sqlite" and len(rows) > 1:
        _insert_in_sqlite(connection, table, rows)
    elif rows:
        connection.execute(insert(table), list(rows))


def _insert_in_sqlite(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """SQLAlchemy writes such a statement anew for each batch, which takes longer than to insert the rows."""
    names, dialect = list(rows[0]), connection.dialect
    quoted = ", ".join(map(dialect.identifier_preparer.quote, names))
    head, marks = f"INSERT INTO {table.name} ({quoted}) VALUES ", f"({', '.join('?' * len(names))})"
    at_once = min(ROWS, _most_variables(connection) // len(names))
    values_of, processors = itemgetter(*names), _processors(connection, table, names)

    def values(row: Mapping[str, Any]) -> list[Any]:
        found = list(values_of(row))
        for at, process in processors:
            found[at] = process(found[at])
        return found

    whole = len(rows) - len(rows) % at_once
    for start in range(0, whole, at_once):
        flat = [value for row in rows[start : start + at_once] for value in values(row)]
        connection.exec_driver_sql(head + ", ".join([marks] * at_once), tuple(flat))
    if rest := [tuple(values(row)) for row in rows[whole:]]:
        connection.exec_driver_sql(head + marks, rest)


def _most_variables(connection: Connection) -> int:
    driver: Any = connection.connection.driver_connection
    return int(driver.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER))


def _processors(connection: Connection, table: Table, names: Sequence[str]) -> list[tuple[int, Callable[[Any], Any]]]:
    """What makes the database's value of Python's, by the column's place, for columns that need it."""
    found: list[tuple[int, Callable[[Any], Any]]] = []
    for at, name in enumerate(names):
        process = table.c[name].type.dialect_impl(connection.dialect).bind_processor(connection.dialect)
        if process is not None:
            found.append((at, process))
    return found
