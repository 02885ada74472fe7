"""`gristmill extend`: verified tasks in, harder ones out, validated like any other."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli import options
from flows.cli.output import print_json, print_line, print_table, progress_bar

WAYS = ("depth", "width", "chain")


def add_to(app: typer.Typer) -> None:
    app.command("extend")(extend)


def extend(
    suite: options.Suite,
    by: Annotated[str, typer.Option("--by", help="depth, width or chain.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", help="Folder of the new suite; continued if half written.")],
    levels: Annotated[int, typer.Option("--levels", min=2, max=12, help="Most atomic tasks in one.")] = 2,
    n: Annotated[int, typer.Option("-n", min=1, help="Validated tasks wanted.")] = 20,
    seed: options.Seed = 0,
    backend: options.Backend = None,
    jobs: options.Jobs = None,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Make harder tasks from the graded tasks of a suite.

    depth: an input becomes the answer of another task; chain: the same, both handed in; width: independent tasks
    in one.
    """
    from flows.errors import UsageError
    from flows.launch import launched
    from tasks.suite import open_suite

    if by not in WAYS:
        raise UsageError(f"--by {by}: there is no such way; give one of {', '.join(WAYS)}")
    open_suite(suite, cache=Path())  # a wrong folder is told at once
    with launched(backend=backend, jobs=jobs, store=store) as place, progress_bar():
        from flows.extend import ExtendRequest, extend_flow

        request = ExtendRequest.model_validate(
            {"suite": suite.resolve(), "out": out.resolve(), "by": by, "levels": levels, "n": n, "seed": seed}
        )
        result = extend_flow(request, place)
    if as_json:
        print_json(result)
    else:
        rows = [{"level": level, "tasks": tasks} for level, tasks in result.levels.items()]
        print_table(f"by {by}", rows, ["level", "tasks"])
        reasons = [{"rejected because": reason, "times": times} for reason, times in result.rejections.items()]
        if reasons:
            print_table("not extended", reasons, ["rejected because", "times"])
        print_line(f"suite: {out} ({result.accepted} tasks)")
    if result.accepted < n:
        typer.echo(
            f"gristmill: {result.accepted} of {n} tasks; what fits together is used up. Generate more tasks to start "
            f"from. Reasons: {out}/rejections.jsonl",
            err=True,
        )
        raise typer.Exit(1)
