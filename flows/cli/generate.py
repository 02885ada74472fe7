"""`gristmill generate`: a source in, a suite of validated tasks out, and a table of yield."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from flows.cli import options
from flows.cli.output import print_json, print_line, print_table, progress_bar


def add_to(app: typer.Typer) -> None:
    app.command("generate")(generate)


def generate(
    source: Annotated[str, typer.Argument(help="pypi:NAME==VERSION, git+URL@REV, or a folder.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", help="Folder of the suite; continued if half written.")],
    n: Annotated[int, typer.Option("-n", min=1, help="Validated tasks wanted.")] = 20,
    seed: options.Seed = 0,
    generator: Annotated[
        list[str] | None, typer.Option("--generator", help="Only this one; may be given several times.")
    ] = None,
    model: Annotated[
        str, typer.Option("--model", help="Writes the issue reports; asked by lm_modify and lm_rewrite.")
    ] = "",
    contamination: Annotated[
        Path | None, typer.Option("--contamination", help="List of benchmarks; tasks that are part of one are marked.")
    ] = None,
    backend: options.Backend = None,
    jobs: options.Jobs = None,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Make tasks from a repository and validate each one."""
    from flows.launch import launched
    from flows.requests import GenerateRequest
    from tasks.contamination import load_contamination

    _check(generator or (), model)  # a wrong name is told at once
    if contamination is not None:
        load_contamination(contamination)
    request = GenerateRequest(
        source=source,
        out=out,
        n=n,
        seed=seed,
        generators=tuple(generator or ()),
        model=model,
        contamination=contamination.resolve() if contamination else None,
    )
    with launched(backend=backend, jobs=jobs, store=store) as place, progress_bar():
        from flows.generate import generate_flow

        result = generate_flow(request, place)
    if as_json:
        print_json(result)
    else:
        print_yields(result)
        print_line(f"suite: {out} ({result.accepted} tasks)")
    if result.accepted < n:
        typer.echo(
            f"gristmill: {result.accepted} of {n} tasks; the candidates are exhausted. Reasons: {out}/rejections.jsonl",
            err=True,
        )
        raise typer.Exit(1)


def _check(generators: Sequence[str], model: str) -> None:
    """Raises UnknownGenerator, and UsageError for a model that is missing or not known."""
    from agents.models import LOCAL
    from flows.errors import UsageError
    from flows.models import resolve
    from tasks.errors import ModelNeeded
    from tasks.generators import chosen_names

    try:
        chosen_names(generators, has_model=bool(model))
    except ModelNeeded as needed:
        raise UsageError(str(needed)) from needed
    if model:
        resolve(model, {LOCAL.name: LOCAL.base_url})


def print_yields(result: "object") -> None:
    """The table of yield, one row a generator."""
    rows = [row.model_dump() for row in result.yields]  # type: ignore[attr-defined]
    for row in rows:
        reasons = sorted(row["rejections"].items(), key=lambda item: -item[1])
        row["rejected because"] = ", ".join(f"{reason} {count}" for reason, count in reasons)
    print_table("yield", rows, ["generator", "candidates", "accepted", "rejected because"])
