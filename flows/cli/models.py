"""`gristmill models`: the registry of models, and what their endpoints can do."""

from typing import Annotated

import typer

from flows.cli import options
from flows.cli.output import print_json, print_line, print_table

models = typer.Typer(help="Models by name, from `models:` in gristmill.yaml, and what their endpoints can do.")


def add_to(app: typer.Typer) -> None:
    app.add_typer(models, name="models", no_args_is_help=True)


@models.command("list")
def list_all(as_json: options.Json = False) -> None:
    """Every model that a name can be given for."""
    from agents.models import LOCAL
    from flows.models import resolve
    from flows.settings import load_settings

    names = [LOCAL.name, *sorted(load_settings().models)]
    found = [resolve(name, {LOCAL.name: LOCAL.base_url}) for name in names]
    rows = [each.model_dump(mode="json", exclude={"api_key", "extra_body"}) for each in found]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        row["servers"] = 1 + len(row["replicas"])
    columns = ["name", "model", "base_url", "servers", "tool_calling", "context_length", "concurrency"]
    print_table("models", rows, [*columns, "price_prompt", "price_completion"])


@models.command()
def probe(
    names: Annotated[list[str] | None, typer.Argument(help="Models; all of the registry where none is named.")] = None,
    as_json: options.Json = False,
) -> None:
    """Ask each endpoint: is it there, does it serve the model, call tools, obey schemas, give token ids?"""
    import asyncio

    from agents.probe import probe as ask
    from flows.models import resolve, serving
    from flows.settings import load_settings

    chosen = names or sorted(load_settings().models)
    with serving(chosen) as endpoints:
        reports = [report for name in chosen for report in asyncio.run(ask(resolve(name, endpoints)))]
    if as_json:
        print_json([report.model_dump(mode="json") for report in reports])
    else:
        rows = [report.model_dump() for report in reports]
        columns = ["name", "url", "is_reachable", "is_served", "answers", "tool_calling", "schemas", "logprobs"]
        print_table("endpoints", rows, [*columns, "token_ids", "context_length", "seconds"])
        for report in reports:
            for note in report.notes:
                print_line(f"{report.name} at {report.url}: {note}")
    if not all(report.answers for report in reports):
        raise typer.Exit(1)
