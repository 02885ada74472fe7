"""`gristmill up`: what runs without a person: server, workers, deployments, limits and automations from one file."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli import options
from flows.cli.output import print_json, print_line, print_table


def add_to(app: typer.Typer) -> None:
    app.command("up")(up)


DEFAULT_FILE = Path("deployments.yaml")


def up(
    file: Annotated[Path, typer.Argument(help="Deployments in YAML.")] = DEFAULT_FILE,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Bring up schedules and workers, and leave them running. Safe to repeat: changes what the file changes."""
    from flows.deployments.load import load_deployments
    from flows.deployments.up import bring_up
    from flows.place import Place
    from flows.settings import load_settings

    settings = load_settings(store=store)
    parsed = load_deployments(file, default_jobs=settings.jobs)
    place = Place.from_settings(settings)
    result = bring_up(parsed, place=place, cwd=Path.cwd())
    if as_json:
        print_json(result)
        return
    if result.changes:
        print_table("changes", result.changes, ["what", "name", "did"])
    else:
        print_line("nothing to change")
    if result.started:
        print_line(f"started:   {', '.join(result.started)}")
    print_line(f"prefect:   {result.ui}")
    if result.dashboard:
        from flows.cli.dashboard import kept_token

        print_line(f"dashboard: {result.dashboard}")
        print_line(f"token:     {kept_token(place)}")
    print_line(f"logs:      {result.logs}")
    print_line("stop with: gristmill down")
