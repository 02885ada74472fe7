"""`gristmill store`: upkeep of the store, and trajectories of other tools in and out."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli import options
from flows.cli.output import print_json, print_line, print_table
from flows.place import Place

store_app = typer.Typer(help="Check, mend, clean and copy the store; read and write other tools' trajectories.")

Hours = Annotated[
    float, typer.Option("--min-hours", min=0, help="Leave younger bodies: their rows may be about to be written.")
]


def add_to(app: typer.Typer) -> None:
    app.add_typer(store_app, name="store", no_args_is_help=True)


def _place(store: str | None) -> Place:
    from flows.settings import load_settings

    return Place.from_settings(load_settings(store=store))


@store_app.command()
def fsck(
    repair: Annotated[bool, typer.Option("--repair", help="Mend what is found.")] = False,
    min_hours: Hours = 1.0,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Compare every body with its name and its rows. Exit 1 if faults are left."""
    from trajectories.upkeep import fsck as check

    with _place(store).open_store() as opened:
        found = check(opened, is_repairing=repair, young_sec=min_hours * 3600)
    if as_json:
        print_json({**vars(found), "faults": [vars(fault) for fault in found.faults]})
    else:
        if found.faults:
            rows = [vars(fault) for fault in found.faults]
            print_table("faults", rows, ["kind", "where", "detail", "repair"])
        print_line(
            f"{found.rollouts} rollouts, {found.segments} segments ({found.slack / 1e6:.1f} MB of no rollout), "
            f"{found.blobs} blobs ({found.orphans} of no rollout), {found.partial} being written; {len(found.faults)} "
            f"faults, {found.repaired} mended, {found.removed} files removed, {found.cut / 1e6:.1f} MB cut off"
        )
    if found.repaired < len(found.faults):
        raise typer.Exit(1)


@store_app.command()
def gc(
    keep_days: Annotated[
        float | None, typer.Option("--keep-days", min=0, help="Remove older rollouts (none of a dataset).")
    ] = None,
    where: Annotated[str, typer.Option("--where", help='With --keep-days: only these, e.g. "reward = 0".')] = "",
    min_hours: Hours = 1.0,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Remove segments and blobs that no rollout points at; with --keep-days, old rollouts first."""
    from flows.errors import UsageError
    from trajectories.upkeep import gc as collect

    if where and keep_days is None:
        raise UsageError("--where says which old rollouts go: give --keep-days too")
    with _place(store).open_store() as opened:
        gone = collect(opened, keep_days=keep_days, where=where, young_sec=min_hours * 3600)
    if as_json:
        print_json(vars(gone))
    else:
        print_line(
            f"{gone.rollouts} rollouts, {gone.segments} segments and {gone.blobs} blobs removed, "
            f"{gone.bytes / 1e6:.1f} MB"
        )


@store_app.command()
def compact(
    older_than: Annotated[
        float | None,
        typer.Option(
            "--older-than", min=0, help="First remove rollouts older than this many days (none of a dataset)."
        ),
    ] = None,
    where: Annotated[str, typer.Option("--where", help='With --older-than: only these, e.g. "reward = 0".')] = "",
    min_hours: Hours = 1.0,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Merge small and half-empty segments; move blobs of earlier versions into segments. Exit 1 if a body is lost."""
    from flows.errors import UsageError
    from trajectories.compaction import compact as merge
    from trajectories.upkeep import gc as collect
    from trajectories.upkeep import retire

    if where and older_than is None:
        raise UsageError("--where says which old rollouts go: give --older-than too")
    with _place(store).open_store() as opened:
        retired = retire(opened, older_than, where) if older_than is not None else 0
        done = merge(opened, young_sec=min_hours * 3600)
        left = collect(opened, young_sec=min_hours * 3600)  # what a killed compaction had moved, and not yet removed
        done.blobs, done.segments = done.blobs + left.blobs, done.segments + left.segments
        done.bytes += left.bytes
    if as_json:
        print_json({"retired": retired, **vars(done)})
    else:
        print_line(
            f"{retired} rollouts removed, {done.moved} bodies moved, {done.segments} segments and {done.blobs} blobs "
            f"removed, {done.bytes / 1e6:.1f} MB less"
        )
        if done.corrupt:
            print_line(f"{done.corrupt} bodies are not what was written: `gristmill store fsck` names them")
    if done.corrupt:
        raise typer.Exit(1)


@store_app.command()
def backup(
    folder: Annotated[Path, typer.Argument(help="A new folder.", show_default=False)],
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Copy the store of this moment to a folder, whole or not at all. The folder opens as a store."""
    from trajectories.backup import backup as copy

    with _place(store).open_store() as opened:
        copied = copy(opened, folder)
    if as_json:
        print_json(vars(copied))
    else:
        print_line(f"backup: {folder} ({copied.rollouts} rollouts, {copied.blobs} bodies)")


@store_app.command()
def restore(
    folder: Annotated[Path, typer.Argument(help="What `backup` wrote.", show_default=False)],
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Copy a backup into an empty store (--store), of either kind of database."""
    from trajectories.backup import restore as copy

    with _place(store).open_store() as opened:
        copied = copy(folder, opened)
    if as_json:
        print_json(vars(copied))
    else:
        print_line(f"restored: {copied.rollouts} rollouts, {copied.blobs} bodies")


@store_app.command("import")
def import_(
    path: Annotated[Path, typer.Argument(help="A file, or a folder of them (a Harbor job).", show_default=False)],
    suite: Annotated[str, typer.Option("--suite", help="Name of the suite that the rollouts come under.")],
    format: Annotated[str, typer.Option("--format", help="auto, harbor, swe-agent or messages.")] = "auto",
    rewards: Annotated[
        Path | None, typer.Option("--rewards", help="JSON: {task: 0…1}, or SWE-bench's report with resolved_ids.")
    ] = None,
    license: Annotated[str, typer.Option("--license", help="Of what is imported (SPDX).")] = "",
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Trajectories of other tools as rollouts. Exit 1 if some could not be read."""
    from flows.errors import UsageError
    from trajectories.errors import BadImport
    from trajectories.imports import import_trajectories, read_rewards

    if not path.exists():
        raise UsageError(f"import {path}: not there")
    known = read_rewards(rewards) if rewards is not None else None
    with _place(store).open_store() as opened:
        try:
            report = import_trajectories(opened, path, suite=suite, format=format, license=license, rewards=known)
        except BadImport as error:
            raise UsageError(str(error)) from error
    if as_json:
        print_json(vars(report))
    else:
        for reason in report.bad:
            print_line(f"left out: {reason}")
        print_line(
            f"suite {suite} ({report.suite_hash[:12]}): {report.imported} rollouts imported ({report.unknown} without "
            f"a reward), {report.known} were there, {len(report.bad)} files left out"
        )
    if report.bad:
        raise typer.Exit(1)


@store_app.command()
def spans(
    rollouts: Annotated[list[str] | None, typer.Argument(help="Ids of rollouts.", show_default=False)] = None,
    where: Annotated[str, typer.Option("--where", help="Instead of ids: a filter of rollouts.")] = "",
    content: Annotated[bool, typer.Option("--content", help="With messages, arguments and results.")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="A file. Default: stdout.")] = None,
    store: options.Store = None,
) -> None:
    """OpenTelemetry spans (GenAI conventions) as OTLP JSON, a line a rollout."""
    from contextlib import nullcontext

    from flows.errors import UsageError
    from trajectories.otel import otlp_lines

    if bool(rollouts) == bool(where):
        raise UsageError("spans: give ids of rollouts, or --where")
    with _place(store).open_store() as opened:
        found = (opened.load(each) for each in rollouts or ()) if rollouts else map(opened.body, opened.rollouts(where))
        with out.open("w", encoding="utf-8") if out else nullcontext() as file:
            for line in otlp_lines(found, has_content=content):
                if file:
                    file.write(line + "\n")
                else:
                    print_line(line)
