"""The databases of one task: the one that the agent sees, and hidden ones on which every mutant of the query fails."""

import random
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from tasks.families.text_to_sql.fill import Pools, connect, draw_rows, sql_value, to_bytes, to_script
from tasks.families.text_to_sql.mutants import mutants
from tasks.families.text_to_sql.schema import Schema
from tasks.families.text_to_sql.tree import AnyQuery, to_sql
from tasks.graders._sql_rows import same_results

Result = list[list[Any]]

_LEAST, _MOST = 4, 8  # hidden databases: this many always, and more while a mutant still agrees on all of them
_MOST_ROWS = 40
_TRIES = 4  # databases to show, of which the one that deceives most is taken


class NotTelling(Exception):
    """The query's results are empty, too long or too alike: another is drawn."""


@dataclass(frozen=True)
class Databases:
    """`told`: what was changed in each mutant that fails on some hidden database, its SQL, and whether it agrees on
    the database that the agent sees (a lucky one)."""

    shown: bytes
    shown_rows: Result
    hidden: tuple[str, ...]
    told: tuple[tuple[str, str, bool], ...]


def draw_databases(rng: random.Random, schema: Schema, pools: Pools, query: AnyQuery) -> Databases:
    """Raises NotTelling."""
    gold = to_sql(query)
    ordered = bool(query.order)
    neighbours = [(name, to_sql(other)) for name, other in mutants(query)]
    content, wanted, lucky = _shown(rng, schema, pools, gold, {sql for _, sql in neighbours}, ordered)
    copied = _constant(wanted)
    neighbours.insert(0, ("the rows that were seen", copied))
    lucky.add(copied)
    hidden: list[str] = []
    alive = {sql for _, sql in neighbours}
    answers = 0
    for _ in range(_MOST):
        if len(hidden) >= _LEAST and not alive:
            break
        data = draw_rows(rng, schema, pools)
        with closing(connect(schema, data)) as database:
            rows = _run(database, gold)
            told = {sql for sql in sorted(alive) if not _same(_run(database, sql), rows, ordered)}
        if len(hidden) < _LEAST or told:
            hidden.append(to_script(schema, data))
            answers += bool(rows) and len(rows) <= 3 * _MOST_ROWS
        alive -= told
    if answers < _LEAST - 1 or copied in alive:
        raise NotTelling
    # Who is still alive means the same, as far as eight databases tell: it is right, and no decoy.
    told_apart = dict.fromkeys((name, sql, sql in lucky) for name, sql in neighbours if sql not in alive)
    if len(told_apart) < 2:
        raise NotTelling
    return Databases(content, wanted, tuple(hidden), tuple(told_apart))


def _shown(
    rng: random.Random, schema: Schema, pools: Pools, gold: str, wrong: set[str], ordered: bool
) -> tuple[bytes, Result, set[str]]:
    """Of a few small databases that tell, the one on which most wrong queries are right by luck."""
    best: tuple[bytes, Result, set[str]] | None = None
    for _ in range(_TRIES):
        with closing(connect(schema, draw_rows(rng, schema, pools, small=True))) as database:
            rows = _run(database, gold)
            if not _is_telling(rows):
                continue
            lucky = {sql for sql in sorted(wrong) if _same(_run(database, sql), rows, ordered)}
            if best is None or len(lucky) > len(best[2]):
                best = to_bytes(database), rows, lucky
    if best is None:
        raise NotTelling
    return best


def _constant(rows: Result) -> str:
    """A query that gives these rows whatever the database holds."""
    return "\nUNION ALL ".join("SELECT " + ", ".join(sql_value(value) for value in row) for row in rows)


def _is_telling(rows: Result) -> bool:
    return 0 < len(rows) <= _MOST_ROWS and any(value is not None and value != 0 for value in rows[0])


def _run(database: sqlite3.Connection, sql: str) -> Result:
    return [list(row) for row in database.execute(sql)]


def _same(found: Result, wanted: Result, ordered: bool) -> bool:
    return same_results([found], [wanted], ordered=ordered, as_set=False, any_columns=True)
