"""`gristmill down`: stops what `gristmill up` started, and leaves nothing of it running."""

import sys
from typing import Annotated

import typer

from flows.cli import options
from flows.cli.output import print_json, print_line


def add_to(app: typer.Typer) -> None:
    app.command("down")(down)


def down(
    grace: Annotated[
        float | None,
        typer.Option("--grace", min=0, help="Seconds for rollouts under way to end; default: the setting grace_sec."),
    ] = None,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Stop runs in order, then workers and server. What was done is in the store; the next run goes on from there."""
    from flows.deployments.down import take_down
    from flows.place import Place
    from flows.settings import load_settings

    def tell(text: str) -> None:
        sys.stderr.write(f"gristmill: {text}\n")
        sys.stderr.flush()

    result = take_down(Place.from_settings(load_settings(store=store)), grace_sec=grace, tell=tell)
    if as_json:
        print_json(result)
        return
    print_line(f"stopped: {', '.join(result.stopped) or 'nothing ran'}")
    if result.runs:
        print_line(f"ended:   {result.runs} {'run' if result.runs == 1 else 'runs'}")
    if result.killed:
        print_line(f"killed:  {result.killed} that did not end by themselves")
