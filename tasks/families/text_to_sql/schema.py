"""What a database looks like: tables with a label, categories, numbers, and links to other tables.

Every part carries the words by which a question speaks of it, so that a query's tree can be put into words.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["key", "label", "category", "number", "money", "year", "date", "link"]


@dataclass(frozen=True)
class Column:
    """`words` is how a question names it. `low` and `high` bound numbers; `pool` names the words of a text."""

    name: str
    words: str
    kind: Kind
    low: int = 0
    high: int = 0
    pool: str = ""
    optional: bool = False
    """Some rows have NULL here."""

    @property
    def sql_type(self) -> str:
        if self.kind == "money":
            return "REAL"
        return "INTEGER" if self.kind in {"key", "number", "year", "link"} else "TEXT"

    @property
    def is_numeric(self) -> bool:
        return self.kind in {"number", "money", "year"}


@dataclass(frozen=True)
class Link:
    """A foreign key. `words` goes between child and parent: a concert `held in` a stadium."""

    column: str
    parent: str
    words: str


@dataclass(frozen=True)
class Table:
    name: str
    singular: str
    plural: str
    columns: tuple[Column, ...]
    links: tuple[Link, ...] = ()

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    @property
    def key(self) -> Column:
        return self.columns[0]

    @property
    def label(self) -> Column | None:
        return next((column for column in self.columns if column.kind == "label"), None)

    def of_kind(self, *kinds: Kind) -> list[Column]:
        return [column for column in self.columns if column.kind in kinds]


@dataclass(frozen=True)
class Schema:
    """`domain` is what the data is about, and by which sets are split: one domain is never on both sides."""

    domain: str
    tables: tuple[Table, ...]

    def table(self, name: str) -> Table:
        return next(table for table in self.tables if table.name == name)

    def children(self, parent: str) -> list[tuple[Table, Link]]:
        """Each table that links to `parent`, with the link."""
        return [(table, link) for table in self.tables for link in table.links if link.parent == parent]

    def ddl(self) -> str:
        """The `CREATE TABLE` statements, parents first."""
        return "\n\n".join(_create(table) for table in self.tables) + "\n"


def _create(table: Table) -> str:
    lines = []
    for column in table.columns:
        rule = " PRIMARY KEY" if column.kind == "key" else "" if column.optional else " NOT NULL"
        lines.append(f"  {column.name} {column.sql_type}{rule}")
    for link in table.links:
        lines.append(f"  FOREIGN KEY ({link.column}) REFERENCES {link.parent}({link.parent}_id)")
    return f"CREATE TABLE {table.name} (\n" + ",\n".join(lines) + "\n);"
