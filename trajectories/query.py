"""SQL over the whole store by DuckDB: the tables as they are, and `bodies`, one row a message or tool call.

What a query names is read in batches (Arrow) into a DuckDB database of its own in a temporary folder, only the columns
that it names; then DuckDB is cut off from files and network, and the query runs. So memory is bounded by
`memory_mb`, whatever the store holds, and nothing that a query says can change the store.
"""

import json
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import sqlalchemy
from sqlmodel import SQLModel, col

from trajectories.atif import Step
from trajectories.errors import BadQuery, StoreFault
from trajectories.rollout import Rollout
from trajectories.rows import unpack_steps
from trajectories.store import Store
from trajectories.tables import StepsRow

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

BATCH = 2000

BODIES = pa.schema(
    [
        ("rollout_id", pa.string()),
        ("step", pa.int64()),
        ("call", pa.int64()),
        ("source", pa.string()),
        ("message", pa.string()),
        ("tool", pa.string()),
        ("arguments", pa.string()),
        ("result", pa.string()),
    ]
)
"""`call` counts a step's calls from 0; the message stands in the first call's row. `arguments` is JSON."""

STEPS = pa.schema(
    [
        ("rollout_id", pa.string()),
        ("step", pa.int64()),
        ("source", pa.string()),
        ("tool", pa.string()),
        ("characters", pa.int64()),
        ("prompt_tokens", pa.int64()),
        ("completion_tokens", pa.int64()),
        ("is_error", pa.bool_()),
    ]
)
"""Unpacked from `step_summaries` (rows.py)."""


@dataclass(frozen=True)
class Answer:
    """`is_cut`: there were more rows than asked for."""

    columns: list[str]
    rows: list[tuple[Any, ...]]
    is_cut: bool = False


def query(
    store: Store,
    sql: str,
    *,
    where: str = "",
    limit: int = 1000,
    seconds: float = 300.0,
    memory_mb: int = 1024,
    threads: int = 2,
) -> Answer:
    """The rows of one SELECT, at most `limit`.

    where: a filter of rollouts (filter.py); of others `bodies` has no rows, so that their blobs are not read.
    seconds: how long DuckDB may work, reading not counted.
    Raises BadQuery with what DuckDB said, BadFilter, CorruptBlob.
    """
    import duckdb

    failed: list[StoreFault] = []
    with tempfile.TemporaryDirectory(prefix="gristmill-query-") as folder:
        connection = duckdb.connect(
            f"{folder}/query.duckdb", config={"memory_limit": f"{memory_mb}MB", "threads": threads}
        )
        try:
            for table, columns in _named(connection, sql).items():
                schema = pa.schema([_tables()[table].field(column) for column in columns])
                batches = _batches(store, table, schema, where)
                reader = pa.RecordBatchReader.from_batches(schema, _keeping(batches, failed))
                connection.register("batches", reader)
                connection.execute(f'CREATE TABLE "{table}" AS SELECT * FROM batches').fetchall()
                connection.unregister("batches")
            for setting in ("enable_external_access = false", "TimeZone = 'UTC'", "lock_configuration = true"):
                connection.execute(f"SET {setting}").fetchall()
            return _run(connection, sql, limit, seconds)
        except (duckdb.Error, pa.ArrowException) as error:
            if failed:
                raise failed[0] from error
            raise BadQuery(f"query: {error}\ntables: {', '.join(sorted(_tables()))}") from error
        finally:
            connection.close()


def tables() -> dict[str, list[str]]:
    """What can be queried: table -> columns."""
    return {name: list(schema.names) for name, schema in _tables().items()}


def _run(connection: "DuckDBPyConnection", sql: str, limit: int, seconds: float) -> Answer:
    import duckdb

    timer = threading.Timer(seconds, connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        result = connection.execute(sql)
        columns = [str(column[0]) for column in result.description or ()]
        rows = result.fetchmany(limit + 1)
    except duckdb.InterruptException as error:
        raise BadQuery(f"query: stopped after {seconds:g} s; ask for less, or give it more --seconds") from error
    finally:
        timer.cancel()
    return Answer(columns, rows[:limit], is_cut=len(rows) > limit)


def _named(connection: "DuckDBPyConnection", sql: str) -> dict[str, list[str]]:
    """The tables that a query names, each with the columns that it may need. Raises BadQuery if it is no SELECT."""
    ((text,),) = connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [sql]).fetchall()
    parsed = json.loads(text)
    if parsed.get("error"):
        raise BadQuery(f"query: {parsed['error_message']} (one SELECT is answered, nothing else)")
    statements = parsed.get("statements", [])
    if len(statements) != 1:
        raise BadQuery(f"query: {len(statements)} statements; one SELECT is answered")
    names, words, takes_all = set[str](), set[str](), False
    for node in _nodes(statements[0]):
        match node.get("type"):
            case "BASE_TABLE" | "SHOW_REF":
                names.add(str(node.get("table_name", "")).lower())
                words.add(str(node.get("alias", "")).lower())
            case "STAR":
                takes_all = True
            case "COLUMN_REF":
                words.update(str(word).lower() for word in node["column_names"])
        words.update(str(word).lower() for word in node.get("using_columns") or ())
        takes_all = takes_all or node.get("ref_type") == "NATURAL"
    known = _tables()
    # `SELECT r FROM rollouts r` is the whole row: a table's name or alias that stands as a column counts as a star.
    # (Qualified columns name it as well, and then more is read than is needed: never less.)
    aliases = {
        str(node.get("alias") or node.get("table_name", "")).lower()
        for node in _nodes(statements[0])
        if node.get("type") == "BASE_TABLE"
    }
    bare = {
        str(node["column_names"][0]).lower()
        for node in _nodes(statements[0])
        if node.get("type") == "COLUMN_REF" and len(node["column_names"]) == 1
    }
    takes_all = takes_all or bool(aliases & bare)
    return {
        name: [column for column in known[name].names if takes_all or column in words] or known[name].names[:1]
        for name in sorted(names & known.keys())
    }


def _nodes(value: object) -> Iterator[Mapping[str, Any]]:
    """Every object of a parsed statement."""
    if isinstance(value, dict):
        yield value
        for part in value.values():
            yield from _nodes(part)
    elif isinstance(value, list):
        for part in value:
            yield from _nodes(part)


def _tables() -> dict[str, pa.Schema]:
    schemas = {
        table.name: pa.schema([(column.name, _arrow_type(column)) for column in table.columns])
        for table in SQLModel.metadata.sorted_tables
    }
    del schemas[StepsRow.__tablename__]
    return {**schemas, "steps": STEPS, "bodies": BODIES}


def _arrow_type(column: "sqlalchemy.Column[Any]") -> pa.DataType:
    kind = column.type.impl_instance if isinstance(column.type, sqlalchemy.TypeDecorator) else column.type
    if isinstance(kind, sqlalchemy.JSON):
        return pa.string()
    types = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), datetime: pa.timestamp("us")}  # UTC, as stored
    return types.get(kind.python_type, pa.string())


def _keeping(batches: Iterator[pa.RecordBatch], failed: list[StoreFault]) -> Iterator[pa.RecordBatch]:
    """Arrow hands on no more than the text of an error: keep what it was."""
    try:
        yield from batches
    except StoreFault as error:
        failed.append(error)
        raise


def _batches(store: Store, table: str, schema: pa.Schema, where: str) -> Iterator[pa.RecordBatch]:
    if table == "bodies":
        return _bodies(store, schema, where)
    return _steps(store, schema) if table == "steps" else _table(store, table, schema)


def _steps(store: Store, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    places = [STEPS.names.index(column) for column in schema.names]
    chosen = sqlalchemy.select(col(StepsRow.rollout_id), col(StepsRow.packed))
    with store.reading() as session:
        result = session.connection().execution_options(yield_per=BATCH).execute(chosen)
        for page in result.partitions():
            rows = [(rollout_id, *step) for rollout_id, packed in page for step in unpack_steps(packed)]
            arrays = [
                pa.array([row[place] for row in rows], type=field.type)
                for place, field in zip(places, schema, strict=True)
            ]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _table(store: Store, name: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    table = SQLModel.metadata.tables[name]
    chosen = sqlalchemy.select(*(table.c[column] for column in schema.names))
    with store.reading() as session:
        result = session.connection().execution_options(yield_per=BATCH).execute(chosen)
        for rows in result.partitions():
            parts = zip(*rows, strict=True)
            arrays = [
                pa.array([_plain(value) for value in values], type=field.type)
                for values, field in zip(parts, schema, strict=True)
            ]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _plain(value: Any) -> Any:
    if isinstance(value, dict | list):
        return json.dumps(value)
    if getattr(value, "tzinfo", None) is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value


def _bodies(store: Store, schema: pa.Schema, where: str) -> Iterator[pa.RecordBatch]:
    rows: list[dict[str, Any]] = []
    for row in store.rollouts(where):
        rows += body_rows(store.body(row))
        if len(rows) >= BATCH:
            yield pa.RecordBatch.from_pylist(rows, schema=schema)
            rows = []
    yield pa.RecordBatch.from_pylist(rows, schema=schema)


def body_rows(rollout: Rollout) -> Iterator[dict[str, Any]]:
    """The rows of `bodies` of one rollout."""
    for step in rollout.trajectory.steps:
        opening = {"rollout_id": rollout.key.id, "step": step.step_id, "call": 0, "source": step.source}
        opening["message"] = _text(step.message)
        if not step.tool_calls:
            yield {**opening, "result": _result(step, None)}
            continue
        for number, call in enumerate(step.tool_calls):
            yield {
                **opening,
                "call": number,
                "message": opening["message"] if number == 0 else None,
                "tool": call.function_name,
                "arguments": json.dumps(call.arguments, ensure_ascii=False),
                "result": _result(step, call.tool_call_id),
            }


def _result(step: Step, call_id: str | None) -> str | None:
    found = [
        _text(result.content)
        for result in (step.observation.results if step.observation else ())
        if call_id is None or result.source_call_id == call_id
    ]
    return "\n".join(found) if found else None


def _text(content: str | list[dict[str, Any]] | None) -> str:
    return content if isinstance(content, str) else "" if content is None else json.dumps(content, ensure_ascii=False)
