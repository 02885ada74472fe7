"""`gristmill serve-environment`: a suite as an environment for RL trainers, in OpenEnv's protocol."""

from typing import Annotated

import typer

from flows.cli import options


def add_to(app: typer.Typer) -> None:
    app.command("serve-environment")(serve_environment)


def serve_environment(
    suite: options.Suite,
    host: Annotated[
        str, typer.Option("--host", help="There is no password: only this machine, unless you know who else is there.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0: any that is free.")] = 8000,
    sessions: Annotated[int, typer.Option("--sessions", min=1, help="At the same time, each with its sandbox.")] = 4,
    idle: Annotated[
        float, typer.Option("--idle", min=1, help="Seconds without a request after which a session is ended.")
    ] = 600.0,
    steps: Annotated[int | None, typer.Option("--steps", min=1, help="Step limit of a rollout.")] = None,
    seconds: Annotated[
        float | None, typer.Option("--seconds", min=1, help="Time limit of a rollout, its model's time included.")
    ] = None,
    backend: options.Backend = None,
) -> None:
    """Serve `reset`, `step` and the verifier's reward over HTTP and WebSocket until it is interrupted."""
    import asyncio

    import uvicorn

    from agents.agent import AgentLimits
    from agents.environment.server import create_app
    from flows.place import Place
    from flows.settings import load_settings
    from tasks.suite import open_suite, prepare_suite

    place = Place.from_settings(load_settings(backend=backend))
    opened = open_suite(suite, cache=place.cache)
    sandboxes = place.open_backend()

    async def prepare() -> None:
        await sandboxes.sweep()
        await prepare_suite(opened, sandboxes, cache=place.cache)

    asyncio.run(prepare())
    given = {name: value for name, value in {"steps": steps, "seconds": seconds}.items() if value is not None}
    limits = AgentLimits.model_validate(given) if given else None
    app = create_app(opened, sandboxes, limits=limits, sessions=sessions, idle_sec=idle)
    typer.echo(f"gristmill: {len(opened.task_ids())} tasks, up to {sessions} sessions", err=True)
    # A request that is under way at the end is not waited for longer than this: its session ends with its sandbox.
    uvicorn.run(app, host=host, port=port, timeout_graceful_shutdown=2, log_level="info")
