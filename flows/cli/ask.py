"""`gristmill ask`: a question about an agent, answered within a number of rollouts."""

from typing import Annotated

import typer

from flows.cli import options
from flows.cli.output import print_json, print_line, print_table


def add_to(app: typer.Typer) -> None:
    app.command("ask")(ask)


def ask(
    suite: options.Suite,
    question: Annotated[
        str, typer.Option("--query", help='"weakest 3 tags", "above 60 % topics", "strongest 2 families"')
    ],
    agent: Annotated[str, typer.Option("--agent", help="Who is asked about.")],
    budget: Annotated[int, typer.Option("--budget", min=1, help="Rollouts at most.")] = 50,
    model: Annotated[str, typer.Option("--model", help="Model, for agents that use one.")] = "",
    steps: Annotated[int | None, typer.Option("--steps", min=1, help="Step limit of a rollout.")] = None,
    seed: options.Seed = 0,
    backend: options.Backend = None,
    jobs: options.Jobs = None,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Roll out only the tasks that decide the answer. Exit 1 if the budget was too small to be sure."""
    from agents.agent import AgentLimits
    from agents.registry import agent_class
    from flows.errors import UsageError
    from flows.launch import launched
    from flows.requests import AgentRequest
    from trajectories.asking import parse_question

    parsed = parse_question(question)
    if getattr(agent_class(agent), "needs_model", False) and not model:
        raise UsageError(f"agent {agent} needs a model: give --model NAME (`--model local` for the small one)")
    limits = AgentLimits(steps=steps) if steps else AgentLimits()
    request = AgentRequest(agent=agent, model=model, limits=limits)
    with launched(backend=backend, jobs=jobs, store=store) as place:
        from flows.asking import ask as run

        def tell(answer: "object") -> None:
            typer.echo(f"ask: {answer.asked} of {budget} rollouts", err=True)  # type: ignore[attr-defined]

        answer = run(parsed, suite, request, place, budget=budget, seed=seed, on_round=tell)
    if as_json:
        print_json(answer)
    else:
        rows = [
            {
                **each.model_dump(),
                "in": "yes" if each.is_in else "",
                "90 % interval": f"{each.low:.2f} to {each.high:.2f}",
            }
            for each in answer.groups
        ]
        print_table(question, rows, ["group", "in", "mean", "90 % interval", "n", "solved", "tasks"])
        print_line(f"{answer.asked} rollouts; {'sure' if answer.is_sure else 'not sure: intervals cross the border'}")
    if not answer.is_sure:
        raise typer.Exit(1)
