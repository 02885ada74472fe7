"""`gristmill validate`: every task of a suite again: the reference passes, doing nothing fails."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from flows.cli import options
from flows.cli.output import print_json, print_line, print_table, progress_bar

if TYPE_CHECKING:
    from flows.settings import Settings
    from tasks.revalidate import TaskCheck


def add_to(app: typer.Typer) -> None:
    app.command("validate")(validate)


def validate(
    suite: options.Suite,
    backend: options.Backend = None,
    jobs: options.Jobs = None,
    engine: options.Engine = None,
    as_json: options.Json = False,
) -> None:
    """Check every task again; exit 1 if one does not hold."""
    from flows.settings import load_settings

    settings = load_settings(backend=backend, jobs=jobs, engine=engine)
    with progress_bar():
        results = _here(suite, settings) if settings.engine == "local" else _on_cluster(suite, backend, jobs, engine)
    rows = [result.model_dump(mode="json") for result in results]
    invalid = [row for row in rows if not row["is_valid"]]
    if as_json:
        print_json({"suite": str(suite), "tasks": len(rows), "invalid": len(invalid), "results": rows})
    else:
        if invalid:
            print_table("not valid", invalid, ["task_id", "reason"])
        print_line(f"{len(rows) - len(invalid)} of {len(rows)} tasks hold")
    if invalid:
        raise typer.Exit(1)


def _here(suite: Path, settings: "Settings") -> "list[TaskCheck]":
    """Without Prefect: there is nothing to come back to."""
    from flows.checking import check_here
    from flows.place import Place

    return check_here(suite, Place.from_settings(settings))


def _on_cluster(suite: Path, backend: str | None, jobs: int | None, engine: str | None) -> "list[TaskCheck]":
    """In batches that are task runs."""
    from flows.launch import launched

    with launched(backend=backend, jobs=jobs, engine=engine) as place:
        from flows.validation import validate_flow

        return validate_flow(suite.absolute(), place)
