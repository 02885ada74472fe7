"""`gristmill doctor`: what this machine can run, and the command that installs what is missing."""

import typer

from flows.cli import options
from flows.cli.output import print_json, print_table


def add_to(app: typer.Typer) -> None:
    app.command("doctor")(doctor)


def doctor(store: options.Store = None, as_json: options.Json = False) -> None:
    """Look at backends, tools, models and the store; exit 1 if the default backend cannot run."""
    from flows.doctor import findings
    from flows.settings import load_settings

    settings = load_settings(store=store)
    rows = findings(settings)
    if as_json:
        print_json(rows)
    else:
        print_table("doctor", rows, ["part", "state", "what to do"])
    if any(row["state"] == "missing" and row["part"] == f"backend {settings.backend}" for row in rows):
        raise typer.Exit(1)
