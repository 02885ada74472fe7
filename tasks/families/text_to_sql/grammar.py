"""Draws a query's tree over a schema: lists, totals, groups, superlatives, nested conditions and sets."""

import random

from tasks.families.text_to_sql.fill import Pools
from tasks.families.text_to_sql.schema import Column, Link, Schema, Table
from tasks.families.text_to_sql.tree import (
    Against,
    Aggregate,
    AnyQuery,
    Between,
    Compare,
    Condition,
    Either,
    HasChild,
    Having,
    Item,
    Like,
    Missing,
    Operator,
    Order,
    Query,
    Ref,
    Rows,
    SetOperator,
    SetQuery,
    Simple,
)


class NotHere(Exception):
    """This schema has nothing that the form asks for; another is drawn."""


class Grammar:
    """Draws queries from one generator; every text and number in them comes from the databases' pools."""

    def __init__(self, rng: random.Random, schema: Schema, pools: Pools) -> None:
        self.rng = rng
        self.schema = schema
        self.pools = pools

    def query(self) -> AnyQuery:
        """One query of a random form. Raises NotHere."""
        form = self.rng.choice(
            (self.listing, self.listing, self.total, self.groups, self.groups, self.most, self.top, self.sets)
        )
        return form()

    def listing(self) -> Query:
        """Some columns of the rows that meet conditions; sorted at times, or each different value once."""
        table = self.table()
        rows = Rows(table, self.conditions(table, at_least=0))
        if self.rng.random() < 0.25:
            ref = self.category(table, parents=True)
            order = (Order(Item(ref)),) if self.rng.random() < 0.4 else ()
            return Query(rows, (Item(ref),), distinct=True, order=order)
        items = self.items(table)
        if self.rng.random() < 0.45:
            return Query(rows, items, order=self.total_order(table))
        return Query(rows, items)

    def total(self) -> Query:
        """One or more aggregates over the rows that meet conditions."""
        table = self.table()
        rows = Rows(table, self.conditions(table, at_least=0))
        kind = self.rng.random()
        if kind < 0.3:
            return Query(rows, (Item(None, "count"),))
        if kind < 0.5:
            return Query(rows, (Item(self.category(table, parents=True), "count", distinct=True),))
        number = Ref(self.number(table, optional=True))
        picked: list[Aggregate] = self.rng.sample(["avg", "min", "max", "sum"], self.rng.choice((1, 1, 2)))
        if number.column.kind == "year":
            picked = [each if each in {"min", "max"} else "max" for each in picked[:1]]
        items = tuple(Item(number, each) for each in picked)
        return Query(rows, (Item(None, "count"), *items) if self.rng.random() < 0.3 else items)

    def groups(self) -> Query:
        """Aggregates for each category, or for each parent; with a limit on the groups at times, or the empty ones."""
        table = self.table(linked=self.rng.random() < 0.6)
        measures = self.measures(table)
        kept = self.conditions(table, at_most=1, at_least=0)
        if table.links and self.rng.random() < 0.65:
            link = self.rng.choice(table.links)
            parent = self.schema.table(link.parent)
            key, label = Ref(parent.key, (link,)), self.name(parent, (link,))
            group = (key,) if label == key else (key, label)
            if self.rng.random() < 0.3:
                own = tuple(each for each in kept if not isinstance(each, HasChild | Against) and not _is_far(each))
                count = Item(Ref(table.key), "count")
                return Query(Rows(table, own), (Item(label), count), group=group, keep_empty=True)
            measures = measures if self.rng.random() < 0.6 else (Item(None, "count"),)
        else:
            label = self.category(table)
            group = (label,)
        query = Query(Rows(table, kept), (Item(label), *measures), group=group)
        if self.rng.random() < 0.45:
            operator: Operator = self.rng.choice((">", ">=", "<=", "<"))
            having = Having(Item(None, "count"), operator, self.rng.randint(2, 5))
            query = Query(query.rows, query.items, group=group, having=having)
        if self.rng.random() < 0.35:
            order = (Order(measures[0], self.rng.random() < 0.7), Order(Item(label)))
            query = Query(query.rows, query.items, group=group, having=query.having, order=order)
        return query

    def most(self) -> Query:
        """The first groups by an aggregate; ties go by the group's name."""
        table = self.table(linked=True)
        link = self.rng.choice(table.links)
        parent = self.schema.table(link.parent)
        key, label = Ref(parent.key, (link,)), self.name(parent, (link,))
        if self.rng.random() < 0.3:
            key = label = self.category(table)
        measure = self.measures(table)[0]
        items = (Item(label), measure) if self.rng.random() < 0.6 else (Item(label),)
        group = (key,) if label == key else (key, label)
        order = (Order(measure, self.rng.random() < 0.75), Order(Item(label)))
        kept = self.conditions(table, at_most=1, at_least=0)
        return Query(Rows(table, kept), items, group=group, order=order, limit=self.rng.choice((1, 1, 2, 3)))

    def top(self) -> Query:
        """The first rows by a number; ties go by name."""
        table = self.table()
        rows = Rows(table, self.conditions(table, at_least=0, at_most=1))
        order = self.total_order(table, by_number=True)
        return Query(rows, self.items(table), order=order, limit=self.rng.choice((1, 1, 2, 3, 5)))

    def sets(self) -> SetQuery:
        """Values of one column that occur in two sets of rows, in one of them, or only in the first."""
        operators: tuple[SetOperator, ...] = ("UNION", "INTERSECT", "EXCEPT")
        operator = self.rng.choice(operators)
        table = self.table()
        ref = self.category(table)
        others = [
            (other, column)
            for other in self.schema.tables
            for column in other.of_kind("category")
            if other != table and column.pool == ref.column.pool
        ]
        if others and self.rng.random() < 0.5:
            other, column = self.rng.choice(others)
        else:
            other, column = table, ref.column
        left = Rows(table, self.conditions(table, at_least=0 if other != table else 1, at_most=1, but=ref.column))
        right = Rows(other, self.conditions(other, at_least=0 if other != table else 1, at_most=1, but=column))
        order = (Order(Item(ref)),) if self.rng.random() < 0.3 else ()
        return SetQuery(operator, Query(left, (Item(ref),)), Query(right, (Item(Ref(column)),)), order)

    # Parts of queries

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
            found += [Ref(c, path) for path in self.paths(table) for c in self._end(path).of_kind("category")]
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

    def _end(self, path: tuple[Link, ...]) -> Table:
        return self.schema.table(path[-1].parent)

    def items(self, table: Table) -> tuple[Item, ...]:
        """The rows' name, and up to two more of their own or their parents' columns."""
        first = self.name(table)
        own = [Ref(c) for c in table.columns if c.kind not in {"key", "link", "label"} and not c.optional]
        far = [self.name(self._end(path), path) for path in self.paths(table)]
        more = self.rng.sample(own, min(len(own), self.rng.choice((0, 1, 1, 2))))
        if far and self.rng.random() < 0.4:
            more = [*more[:1], self.rng.choice(far)]
        return tuple(Item(ref) for ref in (first, *more))

    def measures(self, table: Table) -> tuple[Item, ...]:
        count = Item(None, "count")
        numbers = [column for column in table.columns if column.is_numeric and column.kind != "year"]
        if not numbers or self.rng.random() < 0.45:
            return (count,)
        aggregates: tuple[Aggregate, ...] = ("avg", "max", "min", "sum")
        measure = Item(
            Ref(self.rng.choice([n for n in numbers if not n.optional] or numbers)), self.rng.choice(aggregates)
        )
        return (measure, count) if self.rng.random() < 0.3 else (measure,)

    def total_order(self, table: Table, *, by_number: bool = False) -> tuple[Order, ...]:
        """An order without ties: it ends with a column in which all rows differ."""
        last = Order(Item(self.name(table)))
        if not by_number and self.rng.random() < 0.25:
            return (Order(last.item, self.rng.random() < 0.5),)
        return (Order(Item(Ref(self.number(table))), self.rng.random() < 0.6), last)

    # Conditions

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
            return self.simple(self._end(path), path), {path[0]}
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


def _is_far(condition: Condition) -> bool:
    match condition:
        case Either(first, second):
            return bool(first.ref.path or second.ref.path)
        case HasChild():
            return False
        case _:
            return bool(condition.ref.path)
