"""A query's tree in words, so that a question says neither more nor less than the query.

A little stiff on purpose: which rows, which values, which order and what happens to ties are always said.
"""

from tasks.families.text_to_sql.schema import Table
from tasks.families.text_to_sql.tree import (
    Against,
    AnyQuery,
    Between,
    Compare,
    Condition,
    Either,
    HasChild,
    Item,
    Like,
    Missing,
    Query,
    Ref,
    Rows,
    SetQuery,
    Simple,
    literal,
)

_OPERATORS = {
    "=": "is",
    "<>": "is not",
    "<": "is less than",
    ">": "is greater than",
    "<=": "is at most",
    ">=": "is at least",
}
_YEARS = {**_OPERATORS, "<": "is before", ">": "is after", "<=": "is not after", ">=": "is not before"}


def question(query: AnyQuery) -> str:
    """One to three sentences."""
    if isinstance(query, SetQuery):
        return _set(query)
    if query.group:
        return _grouped(query)
    if any(item.aggregate for item in query.items):
        return _over_all(query)
    return _listed(query)


def rows_in_words(rows: Rows) -> str:
    """As in `singers whose age is at least 40`."""
    said = _conditions(rows)
    return f"{rows.table.plural} {said}" if said else f"all {rows.table.plural}"


def _listed(query: Query) -> str:
    names = [item_in_words(item, query.rows.table) for item in query.items]
    if query.distinct:
        what = names[0].removeprefix("the ") if len(names) == 1 else "combination of " + _and(names)
        text = f"List each different {what} among {rows_in_words(query.rows)}, once"
    elif all(item.ref and not item.ref.path for item in query.items):
        text = f"List {_and(names)} of {rows_in_words(query.rows)}"
    else:
        text = f"For {rows_in_words(query.rows)}, list {_and(names)}"
    return text + _order(query) + "." + _limit(query, query.rows.table.plural)


def _over_all(query: Query) -> str:
    names = [item_in_words(item, query.rows.table) for item in query.items]
    if len(query.items) == 1 and query.items[0].ref is None:
        return f"How many {query.rows.table.plural} are there{_counted(query.rows)}?"
    return f"Give {_and(names)}, over {rows_in_words(query.rows)}."


def _counted(rows: Rows) -> str:
    said = _conditions(rows)
    return f" {said}" if said else ""


def _grouped(query: Query) -> str:
    table = query.rows.table
    names = [item_in_words(item, table) for item in query.items]
    first = query.group[0]
    if query.keep_empty:
        parent = first.path[0].parent
        text = f"For each {parent}, give {_and(names)}, counting only {rows_in_words(query.rows)}"
        if not query.rows.conditions:
            text = f"For each {parent}, give {_and(names)}"
        return text + _order(query) + f". A {parent} without any is listed too, with 0." + _limit(query, "rows")
    if first.path:
        link = first.path[-1]
        whom = f"each {_chain(first)} that has any"
        text = f"Take {rows_in_words(query.rows)}. For {whom}, give {_and(names)}"
        plural = f"each {link.parent}"
    else:
        plural = _and([f"each {ref.column.words}" for ref in query.group])
        text = f"Take {rows_in_words(query.rows)}. For {plural} among them, give {_and(names)}"
    kept = ""
    if query.having is not None:
        having = query.having
        compared = _OPERATORS[having.operator].removeprefix("is ")
        kept = f", but only where {item_in_words(having.item, table)} is {compared} {having.value}"
    return text + kept + _order(query) + "." + _limit(query, "rows")


def _chain(ref: Ref) -> str:
    return " of the ".join(link.parent for link in reversed(ref.path))


def _set(query: SetQuery) -> str:
    left, right = (side.items[0].ref for side in (query.left, query.right))
    assert left is not None and right is not None
    one, two = (rows_in_words(side.rows) for side in (query.left, query.right))
    word = left.column.words
    same = word == right.column.words
    first = f"as the {word} of {one}" if not same else f"among {one}"
    second = f"as the {right.column.words} of {two}" if not same else f"among {two}"
    joined = {
        "UNION": f"{first}, or {second}, or both",
        "INTERSECT": f"both {first}, and {second}",
        "EXCEPT": f"{first}, but not {second}",
    }[query.operator]
    return f"List each {word} that occurs {joined}. Each is listed once" + (
        ", in ascending order." if query.order else "."
    )


def item_in_words(item: Item, table: Table) -> str:
    if item.ref is None:
        return f"the number of {table.plural}"
    if item.aggregate == "count" and not item.distinct:
        return f"the number of {table.plural}"
    column = item.ref.column
    name = column.words
    year = column.kind == "year"
    match item.aggregate:
        case "count":
            return f"the number of different {name} values" + _of(item.ref)
        case "avg":
            return f"the average {name}" + _of(item.ref)
        case "sum":
            return f"the sum of the {name}" + _of(item.ref)
        case "min":
            return f"the {'earliest' if year else 'lowest'} {name}" + _of(item.ref)
        case "max":
            return f"the {'latest' if year else 'highest'} {name}" + _of(item.ref)
        case None:
            return f"the {name}" + _of(item.ref)


def _of(ref: Ref) -> str:
    return "".join(f" of the {link.parent}" for link in reversed(ref.path))


def _order(query: Query) -> str:
    if not query.order:
        return ""
    said = []
    for each in query.order:
        text = each.item.ref is not None and each.item.ref.column.kind in {"label", "category"}
        if each.item.aggregate:
            text = False
        up, down = ("from A to Z", "from Z to A") if text else ("from low to high", "from high to low")
        said.append(f"{item_in_words(each.item, query.rows.table)} {down if each.descending else up}")
    first, *rest = said
    return f", sorted by {first}" + "".join(f", where that is equal by {each}" for each in rest)


def _limit(query: Query, plural: str) -> str:
    if query.limit is None:
        return ""
    return " Give only the first one." if query.limit == 1 else f" Give only the first {query.limit} {plural}."


def _conditions(rows: Rows) -> str:
    """Own columns first, then parents, then children: so nothing can be attached to the wrong noun."""
    own = [each for each in rows.conditions if _rank(each) == 0]
    others = sorted((each for each in rows.conditions if _rank(each) > 0), key=_rank)
    return _and([_condition(rows.table, each) for each in (*own, *others)], comma=bool(others))


def _rank(condition: Condition) -> int:
    match condition:
        case HasChild():
            return 3
        case Either(first, _):
            return 1 if first.ref.path else 0
        case Against():
            return 1
        case _:
            return 2 if condition.ref.path else 0


def _condition(table: Table, condition: Condition) -> str:
    match condition:
        case Either(first, second):
            return f"{_simple(first)} or {_simple(second)} (or both)"
        case Against(ref, operator, aggregate, rows, peers):
            of = f"all {rows.table.plural} with the same {peers.column.words}" if peers else rows_in_words(rows)
            inner = item_in_words(Item(Ref(ref.column), aggregate), table)
            compared = "equals" if operator == "=" else _OPERATORS[operator]
            return f"whose {ref.column.words} {compared} {inner} of {of}"
        case HasChild(child, link, conditions, negated):
            said = _conditions(Rows(child, conditions))
            many = f"no {child.singular}" if negated else f"at least one {child.singular}"
            return f"that have {many} ({link.words} them)" + (f" {said}" if said else "")
        case _:
            return _simple(condition)


def _simple(condition: Simple) -> str:
    column = condition.ref.column
    return f"{_owner(condition.ref)}whose {column.words} {_compared(condition)}"


def _owner(ref: Ref) -> str:
    """As in `that are made by a student studying in a department `; empty for a table's own column."""
    if not ref.path:
        return ""
    return "that are " + " ".join(f"{link.words} {_a(link.parent)}" for link in ref.path) + " "


def _compared(condition: Simple) -> str:
    match condition:
        case Compare(ref, operator, value):
            kinds = _YEARS if ref.column.kind in {"year", "date"} else _OPERATORS
            return f"{kinds[operator]} {literal(value)}"
        case Between(_, low, high):
            return f"is from {low} to {high} (both included)"
        case Like(_, where, text):
            return {"start": "starts with", "end": "ends with", "inside": "contains"}[where] + f" {literal(text)}"
        case Missing():
            return "is not recorded (NULL)"


def _a(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _and(parts: list[str], *, comma: bool = False) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return ", ".join(parts[:-1]) + (", and " if comma or len(parts) > 2 else " and ") + parts[-1]
