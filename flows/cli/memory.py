"""`gristmill memory`: what pieces of agents learn from the store: workflows, a scorer of attempts, an allocation."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from flows.cli import options
from flows.cli.output import print_json, print_line, print_table
from flows.place import Place

memory = typer.Typer(help="Workflows, scorers and allocations learned from the store (docs/memory.md).")

Out = Annotated[Path, typer.Option("--out", help="File to write.")]


def add_to(app: typer.Typer) -> None:
    app.add_typer(memory, name="memory", no_args_is_help=True)


def _place(store: str | None) -> Place:
    from flows.settings import load_settings

    return Place.from_settings(load_settings(store=store))


@memory.command()
def workflows(
    out: Out,
    where: Annotated[str, typer.Option("--where", help="Rollouts to learn from. Default: verified successes.")] = "",
    model: Annotated[str, typer.Option("--model", help="Let this model induce them; by rule without.")] = "",
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Induce workflows from successes into a YAML file, for `--with workflows:file=FILE`."""
    import asyncio

    from agents.memory.past import VERIFIED, read_past
    from agents.memory.workflow import induce, save_workflows
    from flows.models import resolve, serving

    with _place(store).open_store() as opened:
        past = read_past(opened, where=where or VERIFIED, dataset="", most=1000)
    unreadable = 0
    if model:
        from agents.memory.induction import asking, induce_by_model

        with serving([model]) as endpoints:
            found, unreadable = asyncio.run(induce_by_model(past, asking(resolve(model, endpoints))))
    else:
        found = induce(past)
    save_workflows(found, out)
    if as_json:
        print_json({"workflows": len(found), "rollouts": len(past), "unreadable": unreadable, "out": str(out)})
        return
    rows = [{"support": each.support, "steps": len(each.steps), "workflow": each.description} for each in found]
    print_table("workflows", rows, ["support", "steps", "workflow"])
    print_line(f"{len(found)} workflows of {len(past)} rollouts; written: {out}")


@memory.command()
def scorer(
    out: Out,
    where: Annotated[str, typer.Option("--where", help="Rollouts to train on. Default: known outcomes.")] = "",
    seed: options.Seed = 0,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Train a scorer of attempts on the store into a JSON file, for `--with best_of_n:scorer=FILE`."""
    from agents.strategies.scorer import save_scorer
    from agents.strategies.training import KNOWN, train_scorer

    with _place(store).open_store() as opened:
        trained = train_scorer(opened, where=where or KNOWN, seed=seed)
    save_scorer(trained, out)
    if as_json:
        print_json({**trained.provenance.model_dump(mode="json"), "out": str(out)})
        return
    weights = sorted(zip(trained.features, trained.weights, strict=True), key=lambda each: -abs(each[1]))
    print_table("weights", [{"feature": name, "weight": weight} for name, weight in weights], ["feature", "weight"])
    found = trained.provenance
    print_line(f"{found.rollouts} rollouts, {found.solved} solved, {found.tasks} tasks; written: {out}")
    if found.pairs_right is not None:
        print_line(f"held out: {found.pairs_right:.2f} of {found.pairs} pairs of one task in the right order")


@memory.command()
def allocate(
    budget: Annotated[float, typer.Option("--budget", help="For one task of each family, in the unit of --cost.")],
    cost: Annotated[list[str], typer.Option("--cost", help='"AGENT [MODEL]=COST" of one attempt; give each arm.')],
    samples: Annotated[str, typer.Option("--samples", help="Numbers of attempts that may be chosen.")] = "1,2,4,8",
    trials: Annotated[int, typer.Option("--trials", min=1, help="Allocations that are tried.")] = 20,
    strategy: Annotated[str, typer.Option("--strategy", help="guided, random or grid.")] = "guided",
    where: Annotated[str, typer.Option("--where", help="Rollouts that count.")] = (
        "unknown = false and privileged = false"
    ),
    seed: options.Seed = 0,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Which agent and how many attempts for each family, judged on the rollouts that the store holds."""
    import asyncio

    from agents.strategies.allocation.evaluation import Recorded
    from agents.strategies.allocation.search import best, search
    from agents.strategies.allocation.space import Space
    from flows.errors import UsageError

    if strategy not in ("guided", "random", "grid"):
        raise UsageError(f"--strategy {strategy}: there are guided, random and grid")
    named: Literal["guided", "random", "grid"] = strategy  # type: ignore[assignment]
    try:
        costs = {arm.strip(): float(value) for arm, _, value in (each.rpartition("=") for each in cost)}
        numbers = tuple(int(each) for each in samples.split(","))
    except ValueError as error:
        raise UsageError(f'--cost is like "react coder=0.02", --samples like 1,2,4: {error}') from error
    with _place(store).open_store() as opened:
        recorded = Recorded.of_store(opened, where, seed=seed)
    families = sorted({family for family, arm in recorded.outcomes if arm in costs})
    if not families:
        known = ", ".join(sorted({arm for _, arm in recorded.outcomes})) or "none"
        raise UsageError(f"the store has no rollout of {', '.join(costs)}; it has: {known}")
    space = Space(subtasks=tuple(families), costs=costs, samples=numbers, budget=budget, is_chain=False)
    done = asyncio.run(search(space, recorded, trials=trials, strategy=named, seed=seed))
    found = best(done)
    if as_json:
        print_json({**json.loads(found.model_dump_json()), "trials": len(done)})
        return
    rows = [
        {"family": name, "agent": choice.arm, "attempts": choice.samples, "solved": found.scores[name]}
        for name, choice in found.allocation.items()
    ]
    print_table("allocation", rows, ["family", "agent", "attempts", "solved"])
    print_line(f"score {found.score:.3f} at {found.cost:g} of {budget:g}, in {len(done)} trials")
