"""`gristmill down`: stops what `gristmill up` started, and leaves nothing of it running."""

import typer

from flows.cli import options
from flows.cli.output import print_json, print_line


def add_to(app: typer.Typer) -> None:
    app.command("down")(down)


def down(store: options.Store = None, as_json: options.Json = False) -> None:
    """Stop server, workers and their runs. What was done is in the store; `up` goes on from there."""
    from flows.deployments.down import take_down
    from flows.place import Place
    from flows.settings import load_settings

    result = take_down(Place.from_settings(load_settings(store=store)))
    if as_json:
        print_json(result)
        return
    print_line(f"stopped: {', '.join(result.stopped) or 'nothing ran'}")
    if result.runs:
        print_line(f"ended:   {result.runs} processes of runs")
    if result.killed:
        print_line(f"killed:  {result.killed} that did not end by themselves")
