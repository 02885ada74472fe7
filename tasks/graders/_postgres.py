"""Running a query on PostgreSQL by the sandbox's `psql`: each database a schema of a transaction that is rolled back.

Give a role that may create schemas and is no superuser: a query runs with all that the role may read.
"""

import csv
import io
import secrets
from typing import Any

from tasks.graders._sandboxed import is_missing, why_ended
from tasks.graders.grading import CannotGrade, Work

_GRACE_SEC = 20.0


async def run_on_postgres(
    work: Work, query: str, scripts: list[str], address: str, *, seconds: float, max_rows: int
) -> list[list[list[Any]]] | str:
    """Rows of each database, values as numbers where they look like some; or what went wrong with the query.

    Raises CannotGrade where there is no psql or no server, or a script fails.
    """
    if "\\" in query:
        return "a backslash is not taken in a query for PostgreSQL"  # psql would read it as a command of its own
    results = []
    for number, script in enumerate(scripts, start=1):
        word = secrets.token_hex(12)
        text = _session(script, query, word, seconds, max_rows)
        ran = await work.run(
            ["psql", "-X", "-q", "-t", "--csv", "-v", "ON_ERROR_STOP=1", "-P", f"null={word}", "-d", address],
            timeout_sec=seconds + _GRACE_SEC,
            stdin=text.encode(),
            env={"PGCONNECT_TIMEOUT": "10", "PGOPTIONS": "-c client_min_messages=error"},
        )
        if await is_missing(work, "psql", ran):
            raise CannotGrade("sql: the sandbox has no psql; add the package postgresql-client, or use SQLite")
        before, found, after = ran.stdout.partition(f"{word} ready\n")
        if not found:
            raise CannotGrade(
                f"sql: PostgreSQL, database {number}: {why_ended(ran, seconds + _GRACE_SEC)} {before[:200]}"
            )
        if ran.exit_code != 0 or not after.endswith(f"{word} done\n"):
            return f"database {number}: {why_ended(ran, seconds + _GRACE_SEC)}"
        rows = _rows(after.removesuffix(f"{word} done\n"), word)
        if len(rows) > max_rows:
            return f"database {number}: more than {max_rows} rows"
        results.append(rows)
    return results


def _session(script: str, query: str, word: str, seconds: float, max_rows: int) -> str:
    return "\n".join(
        [
            "BEGIN;",
            f"CREATE SCHEMA grade_{word};",
            f"SET LOCAL search_path TO grade_{word};",
            script.rstrip().rstrip(";") + ";",
            f"SET LOCAL statement_timeout = {int(seconds * 1000)};",
            "SET TRANSACTION READ ONLY;",
            f"\\set FETCH_COUNT 0\n\\echo {word} ready",
            f"{query}\n;",
            f"\\echo {word} done",
            "ROLLBACK;",
            "",
        ]
    )


def _rows(text: str, null: str) -> list[list[Any]]:
    return [[_value(cell, null) for cell in row] for row in csv.reader(io.StringIO(text, newline=""))]


def _value(cell: str, null: str) -> Any:
    if cell == null:
        return None
    try:
        return float(cell)
    except ValueError:
        return cell
