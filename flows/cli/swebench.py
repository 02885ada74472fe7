"""`gristmill swebench export|import`: a suite as SWE-bench instances, and such instances as a suite."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli import options
from flows.cli.output import print_json, print_line, print_table, progress_bar


def add_to(app: typer.Typer) -> None:
    commands = typer.Typer(no_args_is_help=True, help="SWE-bench instances: a suite to JSONL, and JSONL to a suite.")
    commands.command("export")(export)
    commands.command("import")(import_)
    app.add_typer(commands, name="swebench")


def export(
    suite: options.Suite,
    out: Annotated[Path, typer.Option("--out", help="JSONL file to write.")],
    as_json: options.Json = False,
) -> None:
    """Write one instance a task; exit 1 if some tasks cannot be instances."""
    from flows.place import Place
    from flows.settings import load_settings
    from tasks.suite import open_suite
    from tasks.swebench import export_suite, write_instances

    place = Place.from_settings(load_settings())
    rows, left_out = export_suite(open_suite(suite, cache=place.cache))
    write_instances(rows, out)
    if as_json:
        print_json({"file": str(out), "instances": len(rows), "left_out": left_out})
    else:
        if left_out:
            print_table(
                "left out", [{"task": task, "reason": why} for task, why in left_out.items()], ["task", "reason"]
            )
        print_line(f"instances: {out} ({len(rows)})")
    if left_out:
        raise typer.Exit(1)


def import_(
    file: Annotated[Path, typer.Argument(help="JSONL file of instances.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", help="Folder of the suite.")],
    repository: Annotated[
        list[str] | None,
        typer.Option(
            "--repository", help="NAME=SOURCE: where the instances' repo NAME is; may be given several times."
        ),
    ] = None,
    allow_leaks: Annotated[
        bool, typer.Option("--allow-leaks", help="Also where the problem statement shows lines of the patch.")
    ] = False,
    contamination: Annotated[
        Path | None, typer.Option("--contamination", help="List of benchmarks; tasks that are part of one are marked.")
    ] = None,
    backend: options.Backend = None,
    jobs: options.Jobs = None,
    as_json: options.Json = False,
) -> None:
    """Make a task of each instance that holds: both sides are run; exit 1 if some are refused."""
    import asyncio

    from flows.place import Place
    from flows.progress import Tally
    from flows.settings import load_settings
    from tasks.contamination import load_contamination
    from tasks.swebench import read_instances
    from tasks.swebench_import import ImportResult, import_instances

    repositories = dict(_pair(each) for each in repository or ())
    known = load_contamination(contamination) if contamination else None
    instances = read_instances(file)
    place = Place.from_settings(load_settings(backend=backend, jobs=jobs))
    sandboxes = place.open_backend()

    async def take() -> ImportResult:
        await sandboxes.sweep()
        tally = Tally("import", total=len(instances))

        def on_progress(done: int) -> None:
            while tally.done < done:
                tally.add("instance")

        return await import_instances(
            instances,
            sandboxes,
            repositories=repositories,
            out=out,
            cache=place.cache,
            jobs=place.jobs,
            allow_leaks=allow_leaks,
            contamination=known,
            on_progress=on_progress,
        )

    with progress_bar():
        result = asyncio.run(take())
    if as_json:
        print_json(result)
    else:
        if result.refused:
            rows = [{"reason": reason, "instances": count} for reason, count in result.reasons().most_common()]
            print_table("refused", rows, ["reason", "instances"])
        print_line(f"suite: {out} ({len(result.accepted)} of {result.instances} instances)")
    if result.refused:
        typer.echo(f"gristmill: {len(result.refused)} refused. Reasons: {out}/rejections.jsonl", err=True)
        raise typer.Exit(1)


def _pair(text: str) -> tuple[str, str]:
    from flows.errors import UsageError

    name, equals, source = text.partition("=")
    if not (name and equals and source):
        raise UsageError(f"--repository {text}: write NAME=SOURCE, e.g. owner/name=git+https://host/owner/name.git")
    return name, source
