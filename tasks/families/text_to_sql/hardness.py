"""How hard a query is by what it is made of: Spider's four grades (Yu et al., EMNLP 2018, arXiv:1809.08887)."""

from typing import Literal

from tasks.families.text_to_sql.tree import Against, AnyQuery, Either, HasChild, Item, Like, Query, Ref, SetQuery

Hardness = Literal["easy", "medium", "hard", "extra"]


def hardness(query: AnyQuery) -> Hardness:
    """Clauses count once each, joins, OR and LIKE by number; nested and set queries apart; several of a kind apart."""
    if isinstance(query, SetQuery):
        clauses, several = _counts(query.left)
        nested = 1 + _nested(query.left) + _nested(query.right)
    else:
        clauses, several = _counts(query)
        nested = _nested(query)
    if clauses <= 1 and several == 0 and nested == 0:
        return "easy"
    if nested == 0 and ((several <= 2 and clauses <= 1) or (clauses <= 2 and several < 2)):
        return "medium"
    without = nested == 0 and ((several > 2 and clauses <= 2) or (2 < clauses <= 3 and several <= 2))
    return "hard" if without or (clauses <= 1 and several == 0 and nested <= 1) else "extra"


def _counts(query: Query) -> tuple[int, int]:
    conditions = query.rows.conditions
    refs = [item.ref for item in query.items] + list(query.group) + [each.item.ref for each in query.order]
    joined = {ref.path[: depth + 1] for ref in refs if ref for depth in range(len(ref.path))}
    ors = likes = where = 0
    for condition in conditions:
        simple = [condition.first, condition.second] if isinstance(condition, Either) else [condition]
        ors += isinstance(condition, Either)
        where += len(simple)
        for each in simple:
            likes += isinstance(each, Like)
            if not isinstance(each, Against | HasChild):
                ref: Ref = each.ref
                joined |= {ref.path[: depth + 1] for depth in range(len(ref.path))}
    clauses = sum((bool(conditions), bool(query.group), bool(query.order), query.limit is not None))
    items: list[Item] = [*query.items, *(each.item for each in query.order)]
    aggregates = sum(item.aggregate is not None for item in items) + (query.having is not None)
    several = (aggregates > 1) + (len(query.items) > 1) + (where > 1) + (len(query.group) > 1)
    return clauses + len(joined) + ors + likes, several


def _nested(query: Query) -> int:
    return sum(isinstance(condition, Against | HasChild) for condition in query.rows.conditions)
