"""The shop's state: one SQLite database in memory, made from plain tables and told as plain tables."""

from __future__ import annotations

import sqlite3
from typing import Any

SCHEMA = """
create table products (id integer primary key, name text, brand text, category text, price_cents integer, rating real,
    reviews integer, delivery_days integer, description text);
create table attributes (product_id integer, name text, value text);
create table variants (id integer primary key, product_id integer, colour text, stock integer);
create table users (id integer primary key, name text, email text, password text, phone text, newsletter integer);
create table addresses (id integer primary key, user_id integer, name text, street text, postcode text, city text,
    is_default integer);
create table coupons (code text primary key, percent integer, minimum_cents integer, category text, valid_until text);
create table orders (id integer primary key, user_id integer, status text, placed_on text, name text, street text,
    postcode text, city text, delivery text, payment text, coupon text, delivery_cents integer, total_cents integer);
create table order_lines (id integer primary key, order_id integer, variant_id integer, quantity integer,
    price_cents integer);
create table returns (id integer primary key, order_id integer, line_id integer, quantity integer, reason text,
    refund text);
create table slots (id integer primary key, service text, place text, day text, time text, is_taken integer);
create table bookings (id integer primary key, user_id integer, slot_id integer, note text, status text);
create table sessions (token text primary key, user_id integer, notice text, coupon text);
create table cart_lines (id integer primary key, owner text, variant_id integer, quantity integer);
create table compared (id integer primary key, owner text, product_id integer);
"""
TABLES = tuple(line.split()[2] for line in SCHEMA.splitlines() if line.startswith("create"))
_SECRET = {"users": ("password",), "sessions": ("token",)}

Row = dict[str, Any]


class Database:
    """All of the shop's state. Not safe for two threads at a time: the server lets one request in."""

    def __init__(self, tables: dict[str, list[Row]]) -> None:
        self._first = tables
        self.restart()

    def restart(self) -> None:
        """The first state again."""
        self._sqlite = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._sqlite.row_factory = lambda cursor, row: {
            column[0]: value for column, value in zip(cursor.description, row, strict=True)
        }
        self._sqlite.executescript(SCHEMA)
        for name, rows in self._first.items():
            for row in rows:
                self.insert(name, row)

    def all(self, sql: str, *values: Any) -> list[Row]:
        return self._sqlite.execute(sql, values).fetchall()

    def one(self, sql: str, *values: Any) -> Row | None:
        row: Row | None = self._sqlite.execute(sql, values).fetchone()
        return row

    def do(self, sql: str, *values: Any) -> None:
        self._sqlite.execute(sql, values)

    def insert(self, table: str, row: Row) -> int:
        """The new row's id."""
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        cursor = self._sqlite.execute(f"insert into {table} ({names}) values ({marks})", tuple(row.values()))
        return cursor.lastrowid or 0

    def dump(self) -> dict[str, dict[str, list[Any]]]:
        """Table -> {columns, rows in their order}, without passwords and session tokens."""
        tables = {}
        for name in TABLES:
            columns = [row["name"] for row in self.all("select name from pragma_table_info(?)", name)]
            shown = [column for column in columns if column not in _SECRET.get(name, ())]
            rows = self.all(f"select {', '.join(shown)} from {name} order by rowid")
            tables[name] = {"columns": shown, "rows": [list(row.values()) for row in rows]}
        return tables
