"""`gristmill generate`: a source or templates in, a suite of validated tasks out, and a table of yield."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli import options
from flows.cli.output import print_json, print_line, print_table, progress_bar

if TYPE_CHECKING:
    from flows.requests import GenerateRequest
    from tasks.generate import GenerateResult


def add_to(app: typer.Typer) -> None:
    app.command("generate")(generate)


def generate(
    out: Annotated[Path, typer.Option("--out", help="Folder of the suite; continued if half written.")],
    source: Annotated[
        str, typer.Argument(help="pypi:NAME==VERSION, git+URL@REV, or a folder.", show_default=False)
    ] = "",
    template: Annotated[
        Path | None, typer.Option("--template", help="Template file, in place of SOURCE.", show_default=False)
    ] = None,
    family: Annotated[
        str, typer.Option("--family", help="Templates that ship with Gristmill, by name, or all.", show_default=False)
    ] = "",
    phrasing: Annotated[
        str, typer.Option("--phrasing", help="Of templates: one by name, or all of each. Default: the first.")
    ] = "",
    n: Annotated[int, typer.Option("-n", min=1, help="Validated tasks wanted; of templates: a family.")] = 20,
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
    engine: options.Engine = None,
    model_limit: options.ModelLimit = None,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Make tasks from a repository, a template or a family of templates, and validate each one."""
    from flows.by_hand import model_limits_held
    from flows.launch import launched

    request = _request(
        source=source,
        template=template,
        family=family,
        phrasing=phrasing,
        out=out,
        n=n,
        seed=seed,
        generators=tuple(generator or ()),
        model=model,
        contamination=contamination.resolve() if contamination else None,
    )
    wanted = n * _check(request)  # what is wrong is told at once
    with (
        launched(backend=backend, jobs=jobs, store=store, engine=engine) as here,
        model_limits_held(request, here, at_most=model_limit) as place,
        progress_bar(),
    ):
        from flows.generate import generate_flow

        result = generate_flow(request, place)
    if as_json:
        print_json(result)
    else:
        print_yields(result)
        print_coverage(result)
        print_line(f"suite: {out} ({result.accepted} tasks)")
    if result.accepted < wanted:
        _tell_shortage(result, wanted, out)
        raise typer.Exit(1)


def _request(**fields: object) -> "GenerateRequest":
    """Raises UsageError for what does not go together."""
    from pydantic import ValidationError

    from flows.errors import UsageError
    from flows.requests import GenerateRequest

    try:
        return GenerateRequest.model_validate(fields)
    except ValidationError as error:
        said = "; ".join(each["msg"].removeprefix("Value error, ") for each in error.errors())
        raise UsageError(f"generate: {said} (SOURCE, --template FILE or --family NAME)") from error


def _check(request: "GenerateRequest") -> int:
    """How many families are asked for (of a source: 1).

    Raises UnknownGenerator, BadTemplate, BadContaminationList, and UsageError for a model that is missing or unknown.
    """
    from flows.templates import load_groups
    from tasks.contamination import load_contamination

    if not request.source:
        return len(load_groups(request))
    _check_names(request.generators, request.model)
    if request.contamination is not None:
        load_contamination(request.contamination)
    return 1


def _check_names(generators: Sequence[str], model: str) -> None:
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


def _tell_shortage(result: "GenerateResult", wanted: int, out: Path) -> None:
    ended: dict[str, str] = getattr(result, "ended", {})
    why = "; ".join(f"{name}: {reason}" for name, reason in ended.items()) or "the candidates are exhausted"
    text = f"gristmill: {result.accepted} of {wanted} tasks; {why}. Reasons: {out}/rejections.jsonl"
    typer.echo(text, err=True)


def print_yields(result: "object") -> None:
    """The table of yield, one row a generator or template."""
    rows = [row.model_dump() for row in result.yields]  # type: ignore[attr-defined]
    for row in rows:
        reasons = sorted(row["rejections"].items(), key=lambda item: -item[1])
        row["rejected because"] = ", ".join(f"{reason} {count}" for reason, count in reasons)
    print_table("yield", rows, ["generator", "candidates", "accepted", "rejected because"])


def print_coverage(result: "object") -> None:
    """How much of the templates' taxonomies the instances cover; nothing where there are none."""
    rows = [
        {
            "template": each.template,
            "taxonomy of": each.parameter,
            "leaves": f"{each.leaves_covered} of {each.leaves}",
            "nodes": f"{each.nodes_covered} of {each.nodes}",
            "not covered": ", ".join(each.missing[:5]) + (" …" if len(each.missing) > 5 else ""),
        }
        for each in getattr(result, "coverage", ())
    ]
    if rows:
        print_table("coverage", rows, ["template", "taxonomy of", "leaves", "nodes", "not covered"])
