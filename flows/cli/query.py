"""`gristmill query`: SQL over the store."""

from datetime import datetime
from typing import Annotated

import typer

from flows.cli import options
from flows.cli.output import print_json, print_table


def add_to(app: typer.Typer) -> None:
    app.command("query")(query)


def query(
    sql: Annotated[
        str,
        typer.Argument(help="One SELECT over rollouts, steps, bodies, … (docs/store.md).", show_default=False),
    ],
    where: Annotated[
        str, typer.Option("--where", help="Filter of the rollouts whose bodies are read, e.g. \"agent = 'react'\".")
    ] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, help="Rows at most.")] = 1000,
    seconds: Annotated[float, typer.Option("--seconds", min=0.01, help="How long the query may work.")] = 300.0,
    memory_mb: Annotated[int, typer.Option("--memory-mb", min=64, help="Beyond it, DuckDB works on disk.")] = 1024,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Ask the store by SQL (DuckDB's). Nothing is changed. With --json: columns, rows as objects, is_cut."""
    from flows.place import Place
    from flows.settings import load_settings
    from trajectories.query import query as ask

    with Place.from_settings(load_settings(store=store)).open_store() as opened:
        answer = ask(opened, sql, where=where, limit=limit, seconds=seconds, memory_mb=memory_mb)
    rows = [dict(zip(answer.columns, map(_plain, row), strict=True)) for row in answer.rows]
    if as_json:
        print_json({"columns": answer.columns, "rows": rows, "is_cut": answer.is_cut})
        return
    print_table(f"{len(rows)} rows" + (" (there are more: --limit)" if answer.is_cut else ""), rows, answer.columns)


def _plain(value: object) -> object:
    return value.isoformat(sep=" ") if isinstance(value, datetime) else value
