"""`gristmill contamination build`: a list of a benchmark's repositories, instances and hashes, from its files."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli import options
from flows.cli.output import print_json, print_line


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(help="Lists of benchmarks, which tasks must not be a part of.", no_args_is_help=True)
    group.command("build")(build)
    app.add_typer(group, name="contamination")


def build(
    folder: Annotated[Path, typer.Argument(help="Files of a benchmark, e.g. SWE-bench's JSONL.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", help="List to write: .yaml, or .json (quicker to read when large).")],
    name: Annotated[str, typer.Option("--name", help="What findings call it. Default: the folder's name.")] = "",
    words: Annotated[int, typer.Option("--words", min=4, help="Words of the runs that are compared.")] = 13,
    as_json: options.Json = False,
) -> None:
    """Write the list; texts go into it as hashes only."""
    from tasks.benchmark_files import build_contamination
    from tasks.contamination import write_contamination

    built = build_contamination(folder, name=name, n=words)
    write_contamination(built.list, out)
    if as_json:
        print_json(
            {
                "out": str(out),
                "repositories": len(built.list.repositories),
                "instance_ids": len(built.list.instance_ids),
                "texts": len(built.list.ngrams.texts),
                "too_short": built.too_short,
                "skipped": built.skipped,
            }
        )
        return
    for path, reason in built.skipped.items():
        print_line(f"skipped: {path} {reason}")
    print_line(
        f"list: {out} ({len(built.list.repositories)} repositories, {len(built.list.instance_ids)} instances, "
        f"{len(built.list.ngrams.texts)} texts; {built.too_short} are too short to tell)"
    )
