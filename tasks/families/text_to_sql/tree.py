"""A query as a tree, and as SQL. What is said in words (`english.py`) and graded (`hardness.py`) is this tree."""

from dataclasses import dataclass, field
from typing import Literal

from tasks.families.text_to_sql.schema import Column, Link, Table

Aggregate = Literal["count", "sum", "avg", "min", "max"]
Operator = Literal["=", "<>", "<", ">", "<=", ">="]
SetOperator = Literal["UNION", "INTERSECT", "EXCEPT"]
Literal_ = str | int | float


@dataclass(frozen=True)
class Ref:
    """A column, seen from a query's own table over the links to parents."""

    column: Column
    path: tuple[Link, ...] = ()


@dataclass(frozen=True)
class Compare:
    ref: Ref
    operator: Operator
    value: Literal_


@dataclass(frozen=True)
class Between:
    """Both ends included."""

    ref: Ref
    low: int | float
    high: int | float


@dataclass(frozen=True)
class Like:
    ref: Ref
    where: Literal["start", "end", "inside"]
    text: str


@dataclass(frozen=True)
class Missing:
    ref: Ref


@dataclass(frozen=True)
class Either:
    """At least one of two."""

    first: "Simple"
    second: "Simple"


@dataclass(frozen=True)
class Against:
    """A number compared with an aggregate over rows of the same table: all, those that `rows` keeps, or one's peers.

    `peers` is a column in which the inner rows agree with the outer one (a correlated subquery).
    """

    ref: Ref
    operator: Operator
    aggregate: Aggregate
    rows: "Rows"
    peers: Ref | None = None


@dataclass(frozen=True)
class HasChild:
    """At least one child over the link that meets the conditions; none where negated."""

    child: Table
    link: Link
    conditions: tuple["Simple", ...] = ()
    negated: bool = False


Simple = Compare | Between | Like | Missing
Condition = Simple | Either | Against | HasChild


@dataclass(frozen=True)
class Rows:
    table: Table
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True)
class Item:
    """A column, or an aggregate of one; `count` without a column counts rows."""

    ref: Ref | None
    aggregate: Aggregate | None = None
    distinct: bool = False


@dataclass(frozen=True)
class Having:
    item: Item
    operator: Operator
    value: int | float


@dataclass(frozen=True)
class Order:
    item: Item
    descending: bool = False


@dataclass(frozen=True)
class Query:
    """`group` without aggregates in `having` or `items` does not occur. `keep_empty` groups by parents: those without
    rows too, over the first link of the grouping columns' path."""

    rows: Rows
    items: tuple[Item, ...]
    distinct: bool = False
    group: tuple[Ref, ...] = ()
    having: Having | None = None
    order: tuple[Order, ...] = ()
    limit: int | None = None
    keep_empty: bool = False


@dataclass(frozen=True)
class SetQuery:
    operator: SetOperator
    left: Query
    right: Query
    order: tuple[Order, ...] = field(default=())


AnyQuery = Query | SetQuery


def to_sql(query: AnyQuery) -> str:
    """SQL of SQLite, with a line for each clause."""
    if isinstance(query, SetQuery):
        both = f"{to_sql(query.left)}\n{query.operator}\n{to_sql(query.right)}"
        return both + ("\nORDER BY 1" if query.order else "")
    return _Writer().query(query)


class _Writer:
    """Writes one SELECT; tables get aliases by the path that leads to them."""

    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix
        self.aliases: dict[tuple[Link, ...], str] = {}
        self.joins: list[str] = []

    def query(self, query: Query) -> str:
        base = self.alias(query.rows.table.name, ())
        start = f"{query.rows.table.name} AS {base}"
        if query.keep_empty:
            start = self._parents_first(query, base)
        picked = ", ".join(self.item(item) for item in query.items)
        where = [self.condition(each) for each in query.rows.conditions if not query.keep_empty]
        group = [self.ref(ref) for ref in query.group]
        having = f"{self.item(query.having.item)} {query.having.operator} {query.having.value}" if query.having else ""
        order = [self.item(each.item) + (" DESC" if each.descending else "") for each in query.order]
        lines = [f"SELECT {'DISTINCT ' if query.distinct else ''}{picked}", f"FROM {start}", *self.joins]
        if where:
            lines.append("WHERE " + " AND ".join(where))
        if group:
            lines.append("GROUP BY " + ", ".join(group))
        if having:
            lines.append("HAVING " + having)
        if order:
            lines.append("ORDER BY " + ", ".join(order))
        if query.limit is not None:
            lines.append(f"LIMIT {query.limit}")
        return "\n".join(lines)

    def _parents_first(self, query: Query, base: str) -> str:
        """`parent LEFT JOIN child`; conditions on the child belong to the join, or empty groups would be lost."""
        link = query.group[0].path[0]
        parent = self.alias(link.parent, (link,))
        on = [f"{base}.{link.column} = {parent}.{link.parent}_id"]
        on += [self.condition(condition) for condition in query.rows.conditions]
        self.joins.append(f"LEFT JOIN {query.rows.table.name} AS {base} ON " + " AND ".join(on))
        return f"{link.parent} AS {parent}"

    def alias(self, table: str, path: tuple[Link, ...]) -> str:
        if path not in self.aliases:
            self.aliases[path] = f"{self.prefix}t{len(self.aliases) + 1}"
        return self.aliases[path]

    def ref(self, ref: Ref) -> str:
        for depth in range(1, len(ref.path) + 1):
            path = ref.path[:depth]
            if path not in self.aliases:
                below = self.aliases[path[:-1]]
                link = path[-1]
                alias = self.alias(link.parent, path)
                self.joins.append(f"JOIN {link.parent} AS {alias} ON {below}.{link.column} = {alias}.{link.parent}_id")
        return f"{self.aliases[ref.path]}.{ref.column.name}"

    def item(self, item: Item) -> str:
        if item.aggregate is None:
            assert item.ref is not None
            return self.ref(item.ref)
        if item.ref is None:
            return "COUNT(*)"
        return f"{item.aggregate.upper()}({'DISTINCT ' if item.distinct else ''}{self.ref(item.ref)})"

    def condition(self, condition: Condition) -> str:
        match condition:
            case Compare(ref, operator, value):
                return f"{self.ref(ref)} {operator} {literal(value)}"
            case Between(ref, low, high):
                return f"{self.ref(ref)} BETWEEN {literal(low)} AND {literal(high)}"
            case Like(ref, where, text):
                pattern = {"start": f"{text}%", "end": f"%{text}", "inside": f"%{text}%"}[where]
                return f"{self.ref(ref)} LIKE {literal(pattern)}"
            case Missing(ref):
                return f"{self.ref(ref)} IS NULL"
            case Either(first, second):
                return f"({self.condition(first)} OR {self.condition(second)})"
            case Against(ref, operator, aggregate, rows, peers):
                return f"{self.ref(ref)} {operator} ({self._inner(ref, aggregate, rows, peers)})"
            case HasChild(child, link, conditions, negated):
                inner = _Writer(self.prefix + "s")
                base = inner.alias(child.name, ())
                met = [inner.condition(each) for each in conditions]
                select = [f"SELECT {base}.{link.column} FROM {child.name} AS {base}", *inner.joins]
                text = " ".join(select) + (" WHERE " + " AND ".join(met) if met else "")
                return f"{self.aliases[()]}.{link.parent}_id {'NOT IN' if negated else 'IN'} ({text})"

    def _inner(self, ref: Ref, aggregate: Aggregate, rows: Rows, peers: Ref | None) -> str:
        inner = _Writer(self.prefix + "s")
        base = inner.alias(rows.table.name, ())
        picked = inner.item(Item(Ref(ref.column), aggregate))
        where = [inner.condition(each) for each in rows.conditions]
        if peers is not None:
            where.append(f"{inner.ref(peers)} = {self.ref(peers)}")
        text = " ".join([f"SELECT {picked} FROM {rows.table.name} AS {base}", *inner.joins])
        return text + (" WHERE " + " AND ".join(where) if where else "")


def literal(value: Literal_) -> str:
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)
