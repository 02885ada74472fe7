"""`gristmill dataset`: versioned selections of rollouts, and where their rows come from."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli import options
from flows.cli.output import print_json, print_line, print_table
from flows.place import Place

dataset = typer.Typer(help="Freeze a selection of rollouts under a name; compare versions; follow a row back.")

Name = Annotated[str, typer.Argument(help="NAME, or NAME@VERSION.", show_default=False)]


def add_to(app: typer.Typer) -> None:
    app.add_typer(dataset, name="dataset", no_args_is_help=True)


def _place(store: str | None) -> Place:
    from flows.settings import load_settings

    return Place.from_settings(load_settings(store=store))


@dataset.command()
def create(
    name: Annotated[str, typer.Argument(help="A new one is version 1; a changed selection is the next version.")],
    where: Annotated[str, typer.Option("--where", help='e.g. "reward >= 1 and privileged = false".')] = (
        "reward >= 1 and unknown = false and privileged = false and attempts = 0 and findings = 0"
    ),
    select: Annotated[
        Path | None, typer.Option("--select", help="YAML file of selectors, applied in order (docs/selection.md).")
    ] = None,
    seed: options.Seed = 0,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Freeze what a filter and a recipe of selectors choose now."""
    from trajectories.datasets import create_dataset
    from trajectories.selection import Recipe, load_recipe

    recipe = load_recipe(select) if select is not None else Recipe()
    with _place(store).open_store() as opened:
        made = create_dataset(opened, name, where=where, recipe=recipe, seed=seed)
    if as_json:
        print_json(made)
        return
    print_table("selection", [{"step": step, "left": count} for step, count in made.left.items()], ["step", "left"])
    print_line(f"dataset: {made.reference} ({made.rows} rollouts)")


@dataset.command("list")
def list_all(store: options.Store = None, as_json: options.Json = False) -> None:
    """All datasets with their versions."""
    from trajectories.datasets import list_datasets

    with _place(store).open_store() as opened:
        rows = [each.model_dump(mode="json") for each in list_datasets(opened)]
    if as_json:
        print_json(rows)
    else:
        print_table("datasets", rows, ["name", "version", "rows", "created_at", "where", "hash"])


@dataset.command()
def show(name: Name, store: options.Store = None, as_json: options.Json = False) -> None:
    """One version: how it was chosen, and what is in it."""
    from trajectories.datasets import count_rows, find_dataset

    with _place(store).open_store() as opened:
        found = find_dataset(opened, name)
        there = count_rows(opened, found)
    if as_json:
        print_json({**found.model_dump(mode="json"), "rows_in_store": there})
        return
    print_line(f"{found.reference}: {found.rows} rollouts ({there} still in the store), made {found.created_at:%F %T}")
    print_line(f"where: {found.where}")
    if found.stage is not None:
        print_line(str(found.stage))
    print_table("selection", [{"step": step, "left": count} for step, count in found.left.items()], ["step", "left"])
    for title, counts in (("families", found.families), ("repositories", found.repositories)):
        print_table(title, [{"name": each, "rollouts": count} for each, count in counts.items()], ["name", "rollouts"])


@dataset.command()
def diff(
    before: Annotated[str, typer.Argument(help="e.g. nightly@1")],
    after: Annotated[str, typer.Argument(help="e.g. nightly@2")],
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """What the second has that the first has not, and the other way round."""
    from trajectories.datasets import diff_datasets

    with _place(store).open_store() as opened:
        found = diff_datasets(opened, before, after)
    if as_json:
        print_json(found)
        return
    for sign, ids in (("-", found.removed), ("+", found.added)):
        for each in ids:
            print_line(f"{sign} {each}")
    order = "; those in both stand in another order" if found.is_reordered else ""
    print_line(f"{len(found.added)} added, {len(found.removed)} removed, {found.kept} in both{order}")


@dataset.command()
def lineage(
    rollout: Annotated[str, typer.Argument(help="`rollout_id` of a row of an export.")],
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """From a row back to the repository's revision, generator, agent, model and prompt."""
    from trajectories.datasets import lineage_of

    with _place(store).open_store() as opened:
        found = lineage_of(opened, rollout)
    if as_json:
        print_json(found)
        return
    for name, value in found.model_dump(mode="json").items():
        print_line(f"{name}: {', '.join(value) if isinstance(value, list) else value}")


@dataset.command()
def stream(
    name: Name,
    by: Annotated[str, typer.Option("--by", help="time, family or repository: what makes a stage.")] = "family",
    stages: Annotated[int, typer.Option("--stages", min=1, help="By time: how many.")] = 5,
    held_out: Annotated[float, typer.Option("--held-out", min=0.01, max=0.9, help="Share of a stage's tasks.")] = 0.2,
    seed: options.Seed = 0,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Cut a dataset into stages that are learned one after another, each a dataset with held-out tasks beside it."""
    from typing import get_args

    from flows.errors import UsageError
    from trajectories.streams import By, cut_stream

    kinds: tuple[By, ...] = get_args(By)
    chosen = next((kind for kind in kinds if kind == by), None)
    if chosen is None:
        raise UsageError(f"--by {by}: there are: {', '.join(kinds)}")
    with _place(store).open_store() as opened:
        found = cut_stream(opened, name, by=chosen, stages=stages, held_out=held_out, seed=seed)
    if as_json:
        print_json([each.model_dump(mode="json") for each in found])
        return
    rows = [{**each.model_dump(), "held-out tasks": len(each.held_out_tasks)} for each in found]
    print_table("stream", rows, ["name", "dataset", "rollouts", "tasks", "held_out", "held-out tasks"])


@dataset.command()
def forgetting(
    name: Annotated[str, typer.Argument(help="The dataset that was cut: NAME.", show_default=False)],
    model: Annotated[
        list[str], typer.Option("--model", help="The untrained one, then the one after each stage, in this order.")
    ],
    agent: Annotated[str, typer.Option("--agent", help="Only rollouts of this agent.")] = "",
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """The accuracy matrix of a stream (after stage i, on stage j), with forgetting and transfer."""
    from agents.training.continual import continual
    from flows.errors import UsageError
    from trajectories.streams import stage_accuracies

    with _place(store).open_store() as opened:
        found = stage_accuracies(opened, name, model, agent=agent)
    if not 2 <= len(model) <= len(found.stages) + 1:
        raise UsageError(
            f"--model: {len(model)} given; name the untrained one and the one after each stage, in the order of "
            f"{', '.join(found.stages)}"
        )
    figures = continual(found.stages[: len(model) - 1], found.rows)
    if as_json:
        print_json(figures)
        return
    rows = [{"model": each, **row} for each, row in zip(model, found.rows, strict=True)]
    print_table("accuracy on held-out tasks", rows, ["model", *found.stages])
    for line in ("average_accuracy", "forgetting", "backward_transfer", "forward_transfer"):
        value = getattr(figures, line)
        print_line(f"{line.replace('_', ' ')}: {'not defined yet' if value is None else f'{value:.3f}'}")


@dataset.command()
def reduce(
    suite: Annotated[str, typer.Argument(help="Hash of a suite in the store, or the beginning of one, or its name.")],
    share: Annotated[float, typer.Option("--share", min=0.01, max=1.0, help="Of the suite's tasks.")] = 0.1,
    seed: options.Seed = 0,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Few tasks that predict the score on all of a suite, with the error of the prediction."""
    from flows.errors import UsageError
    from trajectories.selection.reduced import reduce_suite

    with _place(store).open_store() as opened:
        matches = [row for row in opened.suites() if row.hash.startswith(suite) or row.name == suite]
        if len(matches) != 1:
            names = ", ".join(f"{row.name} ({row.hash[:12]})" for row in opened.suites()) or "none"
            raise UsageError(f"suite {suite!r}: {len(matches)} suites of the store are called so; there are: {names}")
        found = reduce_suite(opened, matches[0].hash, share=share, seed=seed)
    if as_json:
        print_json(found)
        return
    rows = [{"task": task, "stands for": weight} for task, weight in found.weights.items()]
    print_table("reduced suite", rows, ["task", "stands for"])
    print_line(
        f"{len(found.weights)} of {found.tasks} tasks; a left-out agent's pass rate is predicted with a mean error of "
        f"{found.mean_error:.3f} (worst {found.worst_error:.3f}; tasks drawn by chance: {found.random_error:.3f})"
    )
