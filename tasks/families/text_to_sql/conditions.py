"""Draws what queries are made of: tables, columns, ways to parents, and conditions on them."""

import random

from tasks.families.text_to_sql.fill import Pools
from tasks.families.text_to_sql.schema import Column, Link, Schema, Table
from tasks.families.text_to_sql.tree import (
    Against,
    Aggregate,
    Between,
    Compare,
    Condition,
    Either,
    HasChild,
    Like,
    Missing,
    Operator,
    Ref,
    Rows,
    Simple,
)


class NotHere(Exception):
    """This schema has nothing that the form asks for; another is drawn."""


class Parts:
    """Draws parts from one generator; every text and number in them comes from the databases' pools."""

    def __init__(self, rng: random.Random, schema: Schema, pools: Pools) -> None:
        self.rng = rng
        self.schema = schema
        self.pools = pools

    def table(self, *, linked: bool = False) -> Table:
        return self.rng.choice([table for table in self.schema.tables if table.links or not linked])

    def name(self, table: Table, path: tuple[Link, ...] = ()) -> Ref:
        return Ref(table.label or table.key, path)

    def number(self, table: Table, *, optional: bool = False) -> Column:
        found = [column for column in table.columns if column.is_numeric and (optional or not column.optional)]
        if not found:
            raise NotHere
        return self.rng.choice(found)

    def category(self, table: Table, *, parents: bool = False) -> Ref:
        found = [Ref(column) for column in table.of_kind("category")]
        if parents:
            found += [Ref(c, path) for path in self.paths(table) for c in self.end_of(path).of_kind("category")]
        if not found:
            raise NotHere
        return self.rng.choice(found)

    def paths(self, table: Table) -> list[tuple[Link, ...]]:
        """Ways over one or two links to parents."""
        found: list[tuple[Link, ...]] = []
        for link in table.links:
            found.append((link,))
            found += [(link, further) for further in self.schema.table(link.parent).links]
        return found

    def end_of(self, path: tuple[Link, ...]) -> Table:
        return self.schema.table(path[-1].parent)

    def conditions(
        self, table: Table, *, at_least: int = 0, at_most: int = 2, but: Column | None = None
    ) -> tuple[Condition, ...]:
        """Up to two conditions on different things."""
        wanted = self.rng.randint(at_least, at_most)
        found: list[Condition] = []
        said: set[object] = {but}
        for _ in range(12):
            if len(found) == wanted:
                break
            condition, about = self.condition(table)
            if said & about or (isinstance(condition, Either) and wanted > 1):
                continue
            said |= about
            found.append(condition)
        if len(found) < at_least:
            raise NotHere
        return tuple(found)

    def condition(self, table: Table) -> tuple[Condition, set[object]]:
        """A condition, and what it is about (columns, links), so that no two are about the same."""
        kind = self.rng.random()
        children = self.schema.children(table.name)
        if kind < 0.2 and children:
            child, link = self.rng.choice(children)
            inner = (self.simple(child),) if self.rng.random() < 0.6 else ()
            return HasChild(child, link, inner, self.rng.random() < 0.5), {(child.name, link)}
        if kind < 0.35:
            return self.against(table)
        if kind < 0.55 and table.links:
            path = self.rng.choice(self.paths(table))
            return self.simple(self.end_of(path), path), {path[0]}
        if kind < 0.65:
            first, second = self.simple(table), self.simple(table)
            if first.ref == second.ref and not (isinstance(first, Compare) and isinstance(second, Compare)):
                raise NotHere
            if first == second or (first.ref == second.ref and first.ref.column.is_numeric):
                raise NotHere
            return Either(first, second), {first.ref.column, second.ref.column}
        simple = self.simple(table)
        return simple, {simple.ref.column}

    def against(self, table: Table) -> tuple[Condition, set[object]]:
        """A number above or below an average, or equal to an extreme, of all rows, of some, or of one's peers."""
        column = self.number(table)
        picks: tuple[tuple[Operator, Aggregate], ...] = ((">", "avg"), ("<", "avg"), ("=", "max"), ("=", "min"))
        operator, aggregate = self.rng.choice(picks[2:] if column.kind == "year" else picks)
        scope = self.rng.random()
        categories = table.of_kind("category")
        if scope < 0.35 and categories:
            peers = Ref(self.rng.choice(categories))
            return Against(Ref(column), operator, aggregate, Rows(table), peers), {column}
        inner: tuple[Condition, ...] = ()
        if scope < 0.6 and operator in "<>":
            simple = self.simple(table)
            inner = (simple,) if simple.ref.column != column else ()
        return Against(Ref(column), operator, aggregate, Rows(table, inner)), {column}

    def simple(self, table: Table, path: tuple[Link, ...] = ()) -> Simple:
        """A comparison of one column with a value that occurs."""
        column = self.rng.choice([c for c in table.columns if c.kind not in {"key", "link"}])
        ref = Ref(column, path)
        if column.optional and self.rng.random() < 0.3:
            return Missing(ref)
        match column.kind:
            case "category":
                operator: Operator = self.rng.choice(("=", "=", "=", "<>"))
                return Compare(ref, operator, self.rng.choice(self.pools.categories[table.name, column.name][:4]))
            case "label":
                label = self.rng.choice(self.pools.labels[table.name])
                return Like(ref, "start", label[:1]) if self.rng.random() < 0.5 else Like(ref, "end", label[-1:])
            case "date":
                operator = self.rng.choice(("<", ">="))
                return Compare(ref, operator, f"{self.rng.randint(2022, 2024)}-{self.rng.choice(('01', '07'))}-01")
            case _:
                return self._bounded(ref, self.pools.numbers[table.name, column.name])

    def _bounded(self, ref: Ref, values: tuple[int | float, ...]) -> Simple:
        """Limits are values that rows have, so that `at least` and `greater than` differ."""
        middle = values[len(values) // 5 : max(len(values) // 5 + 1, len(values) * 4 // 5)]
        if len(middle) > 4 and self.rng.random() < 0.25:
            low, high = sorted(self.rng.sample(middle, 2))
            return Between(ref, low, high)
        operators: tuple[Operator, ...] = ("<", ">", "<=", ">=")
        return Compare(ref, self.rng.choice(operators), self.rng.choice(middle))


def is_far(condition: Condition) -> bool:
    match condition:
        case Either(first, second):
            return bool(first.ref.path or second.ref.path)
        case HasChild():
            return False
        case _:
            return bool(condition.ref.path)
