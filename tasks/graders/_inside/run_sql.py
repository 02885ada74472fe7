"""Run one query on several SQLite databases, each built in memory from its script; rows come back as JSON.

Request: {scripts: [text], query, seconds, max_rows, max_bytes}. Answer: for each database {rows} or {error}.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing is an import that costs time
    from typing import Any


def main() -> None:
    given = json.loads(sys.stdin.buffer.read())
    request = given["request"]
    answers = []
    for script in request["scripts"]:
        answers.append(run(script, request))
        if "error" in answers[-1]:
            break
    text = json.dumps(answers)
    if len(text) > request["max_bytes"]:
        text = json.dumps([{"error": f"the result is larger than {request['max_bytes']} bytes"}])
    sys.stdout.write(f"\n{given['word']}{text}\n")


def run(script: str, request: dict[str, Any]) -> dict[str, Any]:
    connection = sqlite3.connect(":memory:")
    try:
        connection.executescript(script)
    except sqlite3.Error as error:
        return {"error": f"script: {error}", "script": True}
    if hasattr(connection, "setlimit"):
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 10_000_000)
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    connection.set_authorizer(allow_reading)
    end = time.monotonic() + request["seconds"]
    connection.set_progress_handler(lambda: time.monotonic() > end, 10_000)
    try:
        cursor = connection.execute(request["query"])
        if cursor.description is None:
            return {"error": "the query gives no rows: one SELECT is wanted"}
        rows = cursor.fetchmany(request["max_rows"] + 1)
    except (sqlite3.Error, sqlite3.Warning, OverflowError, MemoryError, ValueError) as error:
        late = time.monotonic() > end
        return {"error": f"stopped after {request['seconds']:g} s" if late else f"{type(error).__name__}: {error}"}
    if len(rows) > request["max_rows"]:
        return {"error": f"more than {request['max_rows']} rows"}
    return {"rows": [[value.hex() + "x" if isinstance(value, bytes) else value for value in row] for row in rows]}


def allow_reading(action: int, *details: object) -> int:
    """Reading only: no writing, no PRAGMA, no ATTACH; SQLite's functions but for loading extensions."""
    reading = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE)
    if action in reading:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_FUNCTION and "load_extension" not in details:
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


main()
