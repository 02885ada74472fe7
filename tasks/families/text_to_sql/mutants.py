"""Queries that look right and are not: one thing of the tree left out or turned round.

They choose the databases that a task is graded on (each mutant must fail on one of them), and the likeliest become
decoys. The idea of neighbours that test databases must tell apart: Zhong, Yu and Klein, EMNLP 2020, arXiv:2010.02840.
"""

from collections.abc import Iterator
from dataclasses import replace

from tasks.families.text_to_sql.tree import (
    Against,
    AnyQuery,
    Between,
    Compare,
    Condition,
    Either,
    HasChild,
    Item,
    Operator,
    Query,
    SetOperator,
    SetQuery,
)

_STRICTER: dict[Operator, Operator] = {">": ">=", ">=": ">", "<": "<=", "<=": "<", "=": "<>", "<>": "="}


def mutants(query: AnyQuery) -> list[tuple[str, AnyQuery]]:
    """Pairs of what was changed and the query; some may mean the same as the query on every database."""
    found = list(_set(query) if isinstance(query, SetQuery) else _query(query))
    return [(name, other) for name, other in found if other != query]


def _set(query: SetQuery) -> Iterator[tuple[str, AnyQuery]]:
    operators: tuple[SetOperator, ...] = ("UNION", "INTERSECT", "EXCEPT")
    for operator in operators:
        yield f"set operator {operator.lower()}", replace(query, operator=operator)
    yield "second half left out", replace(query.left, distinct=True)
    if query.order:
        yield "order left out", replace(query, order=())
    if query.left.rows.table == query.right.rows.table:
        both = replace(query.left.rows, conditions=query.left.rows.conditions + query.right.rows.conditions)
        yield "both conditions on one row", replace(query.left, rows=both, distinct=True)
    for name, left in _conditions(query.left):
        yield name, replace(query, left=left)
    for name, right in _conditions(query.right):
        yield name, replace(query, right=right)


def _query(query: Query) -> Iterator[tuple[str, Query]]:
    yield from _conditions(query)
    yield from _shape(query)
    for index, item in enumerate(query.items):
        for name, other in _items(item):
            order = tuple(replace(each, item=other) if each.item == item else each for each in query.order)
            items = (*query.items[:index], other, *query.items[index + 1 :])
            yield name, replace(query, items=items, order=order)


def _shape(query: Query) -> Iterator[tuple[str, Query]]:
    if query.distinct:
        yield "DISTINCT left out", replace(query, distinct=False)
    if query.keep_empty:
        yield "empty groups left out", replace(query, keep_empty=False)
    if query.having:
        yield "HAVING left out", replace(query, having=None)
        yield "HAVING's limit", replace(query, having=replace(query.having, operator=_STRICTER[query.having.operator]))
    if query.order:
        first, *rest = query.order
        if query.limit is None:
            yield "order left out", replace(query, order=())
        yield "order turned round", replace(query, order=(replace(first, descending=not first.descending), *rest))
        if rest:
            yield "ties left open", replace(query, order=(first,))
            last = replace(rest[-1], descending=not rest[-1].descending)
            yield "ties turned round", replace(query, order=(first, last))
    if query.limit is not None:
        yield "limit left out", replace(query, limit=None)
        yield "limit", replace(query, limit=query.limit + 1)


def _items(item: Item) -> Iterator[tuple[str, Item]]:
    match item.aggregate:
        case "count" if item.distinct:
            yield "count of all, not of different ones", replace(item, distinct=False)
        case "avg":
            yield "sum for average", replace(item, aggregate="sum")
            yield "average of different values", replace(item, distinct=True)
        case "sum":
            yield "sum of different values", replace(item, distinct=True)
            yield "count for sum", Item(None, "count")
        case "min":
            yield "highest for lowest", replace(item, aggregate="max")
        case "max":
            yield "lowest for highest", replace(item, aggregate="min")
        case _:
            return


def _conditions(query: Query) -> Iterator[tuple[str, Query]]:
    conditions = query.rows.conditions
    for index, condition in enumerate(conditions):
        left = (*conditions[:index], *conditions[index + 1 :])
        yield "a condition left out", replace(query, rows=replace(query.rows, conditions=left))
        for name, other in _condition(condition):
            changed = (*conditions[:index], other, *conditions[index + 1 :])
            yield name, replace(query, rows=replace(query.rows, conditions=changed))


def _condition(condition: Condition) -> Iterator[tuple[str, Condition]]:
    match condition:
        case Compare(_, operator, _):
            yield "comparison", replace(condition, operator=_STRICTER[operator])
        case Between(ref, low, _):
            yield "only the lower end", Compare(ref, ">=", low)
        case Either(first, second):
            yield "second alternative left out", first
            yield "first alternative left out", second
        case Against(ref, operator, _, rows, peers):
            if rows.conditions:
                yield "compared with all rows", replace(condition, rows=replace(rows, conditions=()))
            if peers:
                yield "compared with all, not with peers", replace(condition, peers=None)
            if operator != "=":
                yield "above for below", replace(condition, operator="<" if operator == ">" else ">")
        case HasChild(_, _, conditions, negated):
            yield "has for has not", replace(condition, negated=not negated)
            if conditions:
                yield "child's condition left out", replace(condition, conditions=())
                inner = conditions[0]
                if negated and isinstance(inner, Compare):
                    # "has a child that is not" for "has no child that is": the commonest slip with NOT IN.
                    turned = replace(inner, operator=_NEGATED[inner.operator])
                    yield "not moved inside", replace(condition, conditions=(turned,), negated=False)
        case _:
            return


_NEGATED: dict[Operator, Operator] = {"=": "<>", "<>": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
