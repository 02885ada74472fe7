"""The `sql` grader: a query gives what the gold query gives, on every one of several hidden databases.

Execution match as Spider counts it (Yu et al. 2018), and on several databases against lucky ones: test-suite accuracy
(Zhong et al. 2020).
"""

from dataclasses import dataclass, field
from typing import Any, Literal

from tasks.graders._postgres import run_on_postgres
from tasks.graders._reading import Refused, read_text, shown
from tasks.graders._sandboxed import NoAnswer, ask_inside
from tasks.graders._sql_rows import same_results
from tasks.graders._sql_text import is_ordered, one_statement, with_values_of
from tasks.graders.grading import CannotGrade, Grade, Part, Work, failed

_MOST_RESULT = 800_000  # bytes, below what a sandbox keeps of one stream
_GRACE_SEC = 10.0

Results = list[list[list[Any]]]


@dataclass(frozen=True)
class SqlData:
    """`gold`: the right query; `databases`: scripts, each makes one database. The reward is 0 or 1.

    `order`: `auto` compares the order of rows where the gold query's outermost level has ORDER BY (without ties, or
    two right queries differ). `semantics`: rows as a bag, or as a set in which doubles do not count.
    `value_insensitive`: the query's values may be replaced by the gold query's. `postgres`: a connection string; the
    scripts are then run there, in schemas that are rolled back, by the sandbox's `psql`.
    """

    gold: str = ""
    databases: list[str] = field(default_factory=list)
    output: str = "query.sql"
    semantics: Literal["bag", "set"] = "bag"
    order: Literal["auto", "always", "never"] = "auto"
    any_columns: bool = True
    value_insensitive: bool = False
    most_values: int = 60
    time_limit_sec: float = 5.0
    max_rows: int = 10_000
    postgres: str = ""


class SqlGrader:
    name = "sql"
    Data = SqlData

    async def grade(self, work: Work, data: Any) -> Grade:
        """Raises CannotGrade where the gold query or a script fails, or the gold query gives nothing anywhere."""
        if not data.databases:
            raise CannotGrade("sql: `databases` needs at least one script")
        gold = _gold_query(data)
        try:
            query = one_statement(await read_text(work, data.output, max_bytes=100_000))
        except (Refused, ValueError) as reason:
            return failed(data.output, str(reason))
        wanted = await _run(work, gold, data)
        if isinstance(wanted, str):
            raise CannotGrade(f"sql: the gold query: {wanted}")
        if not any(wanted):
            raise CannotGrade("sql: the gold query gives no rows in any database, so that any empty result would pass")
        found = await _run(work, query, data)
        if isinstance(found, str) and not data.value_insensitive:
            return failed(data.output, shown(found, 500))
        if _agree(found, wanted, gold, data):
            return Grade(1.0, _parts(found, wanted, gold, data))
        if data.value_insensitive:
            for other in with_values_of(query, gold, data.most_values):
                plugged = await _run(work, other, data)
                if _agree(plugged, wanted, gold, data):
                    return Grade(1.0, _parts(plugged, wanted, gold, data), f"with the gold query's values: {other}")
        if isinstance(found, str):
            return failed(data.output, shown(found, 500))
        return Grade(0.0, _parts(found, wanted, gold, data))


def _gold_query(data: SqlData) -> str:
    try:
        return one_statement(data.gold)
    except ValueError as error:
        raise CannotGrade(f"sql: gold: {error}") from error


async def _run(work: Work, query: str, data: SqlData) -> Results | str:
    """Rows of each database, or what went wrong. Raises CannotGrade for a script that fails."""
    if data.postgres:
        return await run_on_postgres(
            work, query, data.databases, data.postgres, seconds=data.time_limit_sec, max_rows=data.max_rows
        )
    request = {
        "scripts": data.databases,
        "query": query,
        "seconds": data.time_limit_sec,
        "max_rows": data.max_rows,
        "max_bytes": _MOST_RESULT,
    }
    limit = data.time_limit_sec * len(data.databases) + _GRACE_SEC
    try:
        answers = await ask_inside(work, "run_sql", request, timeout_sec=limit)
    except NoAnswer as reason:
        return str(reason)
    for number, answer in enumerate(answers, start=1):
        if "script" in answer:
            raise CannotGrade(f"sql: database {number}: {answer['error']}")
        if "error" in answer:
            return f"database {number}: {answer['error']}"
    return [answer["rows"] for answer in answers]


def _agree(found: Results | str, wanted: Results, gold: str, data: SqlData) -> bool:
    if isinstance(found, str):
        return False
    ordered = data.order == "always" or (data.order == "auto" and is_ordered(gold))
    return same_results(found, wanted, ordered=ordered, as_set=data.semantics == "set", any_columns=data.any_columns)


def _parts(found: Results | str, wanted: Results, gold: str, data: SqlData) -> tuple[Part, ...]:
    """One part a database; each on its own may agree where one order of columns does not serve all."""
    if isinstance(found, str):
        return (Part(data.output, False, shown(found)),)
    parts = [
        Part(f"database {number}", _agree([ours], [theirs], gold, data), f"{len(ours)} rows, wanted {len(theirs)}")
        for number, (ours, theirs) in enumerate(zip(found, wanted, strict=True), start=1)
    ]
    if all(part.passed for part in parts):
        parts.append(Part("the same columns in all databases", _agree(found, wanted, gold, data)))
    return tuple(parts)
