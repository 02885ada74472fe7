"""Draws a query's tree over a schema: lists, totals, groups, superlatives, nested conditions and sets."""

from tasks.families.text_to_sql.conditions import NotHere, Parts, is_far
from tasks.families.text_to_sql.schema import Table
from tasks.families.text_to_sql.tree import (
    Against,
    Aggregate,
    AnyQuery,
    HasChild,
    Having,
    Item,
    Operator,
    Order,
    Query,
    Ref,
    Rows,
    SetOperator,
    SetQuery,
)

__all__ = ["Grammar", "NotHere"]


class Grammar(Parts):
    """Draws whole queries."""

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
                own = tuple(each for each in kept if not isinstance(each, HasChild | Against) and not is_far(each))
                count = Item(Ref(table.key), "count")
                return Query(Rows(table, own), (Item(label), count), group=group, keep_empty=True)
            measures = measures if self.rng.random() < 0.6 else (Item(None, "count"),)
        else:
            label = self.category(table)
            group = (label,)
        query = Query(Rows(table, kept), (Item(label), *measures), group=group)
        if self.rng.random() < 0.45:
            having = self.having(table, measures[0])
            query = Query(query.rows, query.items, group=group, having=having)
        if self.rng.random() < 0.35:
            order = (Order(measures[0], self.rng.random() < 0.7), Order(Item(label)))
            query = Query(query.rows, query.items, group=group, having=query.having, order=order)
        return query

    def having(self, table: Table, measure: Item) -> Having:
        """A limit on the number of rows of a group, or on an average or extreme that is asked for anyway."""
        operators: tuple[Operator, ...] = (">", ">=", "<=", "<")
        if measure.ref is not None and measure.aggregate in {"avg", "min", "max"} and self.rng.random() < 0.6:
            values = self.pools.numbers[table.name, measure.ref.column.name]
            return Having(measure, self.rng.choice(operators), values[len(values) // 2])
        return Having(Item(None, "count"), self.rng.choice(operators), self.rng.randint(2, 5))

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

    def items(self, table: Table) -> tuple[Item, ...]:
        """The rows' name, and up to two more of their own or their parents' columns."""
        first = self.name(table)
        own = [Ref(c) for c in table.columns if c.kind not in {"key", "link", "label"} and not c.optional]
        far = [self.name(self.end_of(path), path) for path in self.paths(table)]
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
