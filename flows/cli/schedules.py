"""`gristmill schedules` and `gristmill event`: what a person does with deployments that are up."""

import json
from typing import Annotated

import typer

from flows.cli import options
from flows.cli.output import print_json, print_line, print_table

schedules = typer.Typer(help="Deployments that `gristmill up` has registered.", no_args_is_help=True)
event = typer.Typer(
    help="Tell what has happened, to deployments and automations that wait for it.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(help="Deployment.", show_default=False)]


def add_to(app: typer.Typer) -> None:
    app.add_typer(schedules, name="schedules")
    app.add_typer(event, name="event")


@schedules.command("list")
def list_(store: options.Store = None, as_json: options.Json = False) -> None:
    """Each deployment with its schedule, its next run and how the last one ended."""
    from flows.deployments.control import connected, listed

    with connected(store) as (client, own):
        rows = [row.model_dump(mode="json") for row in listed(client, own)]
    if as_json:
        print_json(rows)
    else:
        print_table("schedules", rows, ["name", "flow", "schedule", "state", "next", "last", "run"])


@schedules.command("pause")
def pause(name: Name, store: options.Store = None) -> None:
    """No run is started by its schedule until it is resumed."""
    from flows.deployments.control import connected, deployment_named

    with connected(store) as (client, own):
        client.pause_deployment(deployment_named(client, own, name).id)
    print_line(f"{name}: paused")


@schedules.command("resume")
def resume(name: Name, store: options.Store = None) -> None:
    """Let the schedule start runs again."""
    from flows.deployments.control import connected, deployment_named

    with connected(store) as (client, own):
        client.resume_deployment(deployment_named(client, own, name).id)
    print_line(f"{name}: resumed")


@schedules.command("run")
def run(name: Name, store: options.Store = None, as_json: options.Json = False) -> None:
    """Start a run now."""
    from flows.deployments.control import connected, deployment_named

    with connected(store) as (client, own):
        started = client.create_flow_run_from_deployment(deployment_named(client, own, name).id)
    if as_json:
        print_json({"id": str(started.id), "name": started.name})
    else:
        print_line(f"{name}: run {started.id} is due")


@event.command("new-model")
def new_model(
    model: Annotated[str, typer.Option("--model", help="Its name in gristmill.yaml or at the endpoint.")],
    store: options.Store = None,
) -> None:
    """A model can be asked from now on: starts the deployments with `event: new-model`."""
    from flows.deployments.control import announce, connected
    from flows.deployments.spec import NEW_MODEL

    with connected(store) as (client, _):
        announce(client, NEW_MODEL, subject=f"gristmill.model.{model}", payload={"model": model})
    print_line(f"{model}: announced")


@event.command("send")
def send(
    name: Annotated[str, typer.Argument(help="Name of the event, such as team.repository-released.")],
    payload: Annotated[str, typer.Option("--payload", help="JSON object.")] = "{}",
    store: options.Store = None,
) -> None:
    """Any other event, for automations with `when: event`."""
    from flows.deployments.control import announce, connected
    from flows.errors import UsageError

    try:
        parsed = json.loads(payload)
    except ValueError as error:
        raise UsageError(f"--payload: not JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise UsageError("--payload: give a JSON object, such as '{\"name\": 1}'")
    with connected(store) as (client, _):
        announce(client, name, subject="gristmill.event", payload=parsed)
    print_line(f"{name}: sent")
