"""`gristmill try`: a page on which a template's tasks are tried, by a person or an agent."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli import options


def add_to(app: typer.Typer) -> None:
    app.command("try")(try_)


def try_(
    template: Annotated[Path, typer.Argument(help="Template: one YAML file.", show_default=False)],
    agent: Annotated[str, typer.Option("--agent", help="Who may be asked to try it, beside the person.")] = "",
    model: Annotated[str, typer.Option("--model", help="Model, for agents that use one.")] = "",
    host: Annotated[
        str, typer.Option("--host", help="There is no password: only this machine, unless you know who else is there.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0: any that is free.")] = 8766,
    seed: options.Seed = 0,
    backend: options.Backend = None,
) -> None:
    """Serve a page to try a template: instruction, files, an answer, and the real verdict. Ends with Ctrl-C."""
    import uvicorn

    from agents.registry import agent_class
    from dashboard.trying import Trial, create_app
    from flows.errors import UsageError
    from flows.models import resolve, serving
    from flows.place import Place
    from flows.settings import load_settings
    from tasks.templates import load_template

    kind = agent_class(agent) if agent else None
    if getattr(kind, "needs_reference", False):
        raise UsageError(f"agent {agent} needs the reference, which is not laid out here; give another one")
    if getattr(kind, "needs_model", False) and not model:
        raise UsageError(f"agent {agent} needs a model: give --model NAME (`--model local` for the small one)")
    place = Place.from_settings(load_settings(backend=backend))
    loaded = load_template(template)
    sandboxes = place.open_backend()
    with serving([model]) as endpoints:
        trial = Trial(loaded, sandboxes, cache=place.cache, scratch=place.cache / "tmp", seed=seed,
                      agent=kind() if kind else None, model=resolve(model, endpoints) if model else None)  # fmt: skip
        trial.instance(0)  # a template that gives nothing is told at once
        uvicorn.run(create_app(trial), host=host, port=port, timeout_graceful_shutdown=2, log_level="info")
