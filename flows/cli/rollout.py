"""`gristmill rollout`: agents on a suite, verdicts and trajectories into the store."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli import options
from flows.cli.output import print_json, print_line, print_table, progress_bar


def add_to(app: typer.Typer) -> None:
    app.command("rollout")(rollout)


def rollout(
    suite: options.Suite,
    agent: Annotated[
        list[str],
        typer.Option(
            "--agent", help="oracle, nop, repair, react …, or FILE.yaml (docs/foreign_agents.md); several may be given."
        ),
    ],
    model: Annotated[
        str,
        typer.Option("--model", help="Model for agents that use one; `local`: small, on the CPU; route:FILE chooses."),
    ] = "",
    pieces: Annotated[
        str,
        typer.Option("--with", help="Pieces for each agent, e.g. edit_state,best_of_n:n=4 (docs/memory.md)."),
    ] = "",
    attempts: Annotated[int, typer.Option("--attempts", min=1, help="Rollouts of each agent on each task.")] = 1,
    task: Annotated[list[str] | None, typer.Option("--task", help="Only this task; several may be given.")] = None,
    steps: Annotated[int | None, typer.Option("--steps", min=1, help="Step limit of a rollout.")] = None,
    seconds: Annotated[float | None, typer.Option("--seconds", min=1, help="Time limit of a rollout.")] = None,
    tools: Annotated[
        Path | None, typer.Option("--tools", help="File of tools beside the tasks' own (docs/tools.md).")
    ] = None,
    backend: options.Backend = None,
    jobs: options.Jobs = None,
    engine: options.Engine = None,
    model_limit: options.ModelLimit = None,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Roll out; what the store already holds is not done again. Exit 1 if the infrastructure failed a rollout."""
    from agents.agent import AgentLimits
    from agents.memory.pieces import with_pieces
    from agents.registry import agent_class
    from flows.by_hand import model_limits_held
    from flows.errors import UsageError
    from flows.foreign import named_agent
    from flows.launch import launched
    from flows.models import ROUTE
    from flows.requests import AgentRequest, RolloutRequest
    from flows.routing import load_route

    given = {"steps": steps, "seconds": seconds}
    limits = AgentLimits.model_validate({name: value for name, value in given.items() if value is not None})
    requests = []
    for given_name in agent:
        plain, made_by = named_agent(given_name)
        if "adapter" in made_by and pieces:
            raise UsageError(f"agent {plain} is a command of its own: --with has no pieces for it")
        if "adapter" in made_by and tools:
            raise UsageError(f"agent {plain} is a command of its own: --tools has no tools for it")
        name = with_pieces(plain, [piece for piece in pieces.split(",") if piece])
        needs_model = "adapter" in made_by or getattr(agent_class(name), "needs_model", False)
        if needs_model and not model:
            raise UsageError(f"agent {name} needs a model: give --model NAME (`--model local` for the small one)")
        if needs_model and model.startswith(ROUTE):
            load_route(model)
        asked = model if needs_model else ""
        requests.append(AgentRequest(agent=name, model=asked, attempts=attempts, limits=limits, options=made_by))
    request = RolloutRequest(suite=suite, agents=tuple(requests), tasks=tuple(task or ()), tools=_checked(tools))
    with (
        launched(backend=backend, jobs=jobs, store=store, engine=engine) as here,
        model_limits_held(request, here, at_most=model_limit) as place,
        progress_bar(),
    ):
        from flows.rollout import rollout_flow

        summary = rollout_flow(request, place)
    if as_json:
        print_json(summary)
    else:
        print_pass_rates(summary.pass_rates)
        print_line(
            f"{summary.solved} solved, {summary.failed} failed, {summary.unknown} unknown, "
            f"{summary.already_there} already there; store: {place.store}"
        )
    if summary.unknown:
        typer.echo(
            f"gristmill: {summary.unknown} rollouts ended in infrastructure trouble; "
            "the same command tries them again (gristmill show rollouts --where \"ending = 'infrastructure_error'\")",
            err=True,
        )
        raise typer.Exit(1)


def _checked(tools: Path | None) -> Path | None:
    """The file's full path, once what it says holds. Raises UsageError."""
    from agents.errors import AgentFault
    from agents.tools import check_tools, read_tools_config, short_hash
    from flows.errors import UsageError

    if tools is None:
        return None
    try:
        config = read_tools_config(tools)
        check_tools(config)
        short_hash(config)  # reads what the file names
    except AgentFault as error:
        raise UsageError(str(error) if str(error).startswith(str(tools)) else f"{tools}: {error}") from error
    return tools.resolve()


def print_pass_rates(rates: "tuple[object, ...]") -> None:
    """One row for each agent and model: solved of known outcomes, with a 95 % interval."""
    rows = []
    for rate in rates:
        row = rate.model_dump()  # type: ignore[attr-defined]
        row["95 % interval"] = f"{row['low']:.2f} to {row['high']:.2f}"
        row["pass rate"] = row["pass_rate"]
        rows.append(row)
    print_table(
        "pass rates",
        rows,
        ["agent", "model", "family", "backend", "n", "solved", "pass rate", "95 % interval", "unknown"],
    )
