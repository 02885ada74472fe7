"""`gristmill export`: verified trajectories as files for one trainer."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli import options
from flows.cli.output import print_json, print_line, print_table


def add_to(app: typer.Typer) -> None:
    app.command("export")(export)


def export(
    to: Annotated[str, typer.Option("--to", help="Format; a wrong one is answered with the list.")],
    out: Annotated[Path, typer.Option("--out", help="Folder to write.")],
    where: Annotated[str, typer.Option("--where", help="e.g. \"agent = 'react' and steps < 30\".")] = "",
    dataset: Annotated[str, typer.Option("--dataset", help="NAME or NAME@VERSION: only what was frozen in it.")] = "",
    include_failures: Annotated[bool, typer.Option("--include-failures", help="Also rollouts that failed.")] = False,
    include_privileged: Annotated[
        bool, typer.Option("--include-privileged", help="Also agents that were given the reference (oracle).")
    ] = False,
    include_findings: Annotated[
        bool, typer.Option("--include-findings", help="Also of tasks in which an audit found a fault.")
    ] = False,
    include_marked: Annotated[
        bool, typer.Option("--include-marked", help="Also tasks and rollouts that people marked bad.")
    ] = False,
    attempts: Annotated[
        str,
        typer.Option(
            "--attempts",
            help="Rollouts that tried to cheat: exclude, include, or only (as negatives, with label false).",
        ),
    ] = "exclude",
    calls: Annotated[
        str, typer.Option("--calls", help="native, or json: tool calls as text, for models without.")
    ] = "native",
    tokenizer: Annotated[
        Path | None,
        typer.Option("--tokenizer", help="Folder or GGUF file: rows are rendered and their masks checked with it."),
    ] = None,
    only: Annotated[str, typer.Option("--only", help="jsonl or parquet: that alone; parquet is quickest.")] = "",
    split_by: Annotated[str, typer.Option("--split-by", help="repository or task.")] = "repository",
    test_share: Annotated[float, typer.Option("--test-share", min=0.0, max=0.9)] = 0.1,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a folder that an export wrote.")] = False,
    push: Annotated[
        str, typer.Option("--push", help="OWNER/NAME: also to this data set on the Hugging Face hub; HF_TOKEN.")
    ] = "",
    public: Annotated[bool, typer.Option("--public", help="With --push: make it public (default: private).")] = False,
    seed: options.Seed = 0,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Write train and test files with a manifest of counts, hashes, filters and licences."""
    from flows.errors import UsageError
    from flows.launch import launched
    from flows.requests import ExportRequest

    if attempts not in ("exclude", "include", "only"):
        raise UsageError(f"--attempts {attempts}: use exclude, include or only")
    if calls not in ("native", "json"):
        raise UsageError(f"--calls {calls}: use native or json")
    if only not in ("", "jsonl", "parquet"):
        raise UsageError(f"--only {only}: use jsonl or parquet")
    request = ExportRequest(
        to=to,
        out=out,
        where=where,
        dataset=dataset,
        include_failures=include_failures,
        include_privileged=include_privileged,
        include_findings=include_findings,
        include_marked=include_marked,
        attempts=attempts,
        calls=calls,
        tokenizer=tokenizer.resolve() if tokenizer else None,
        only=only,
        split_by=split_by,
        test_share=test_share,
        seed=seed,
        overwrite=overwrite,
        push=push,
        public=public,
    )
    if push:
        from trajectories.exports.push import hub_token

        hub_token(push)  # told at once, not when all is written
    with launched(store=store) as place:
        from flows.export import export_flow

        manifest = export_flow(request, place)
    if as_json:
        print_json(manifest)
        return
    print_exports([manifest])
    for what, count in manifest.left_out.items():
        if count:
            print_line(f"left out: {count} rollouts with {what}")
    print_line(f"export: {out}")
    if manifest.pushed:
        print_line(f"pushed: {manifest.pushed}")


def print_exports(manifests: "list[object]") -> None:
    """One row a file."""
    rows = [
        {"format": manifest.format, "file": name, **entry.model_dump()}  # type: ignore[attr-defined]
        for manifest in manifests
        for name, entry in manifest.files.items()  # type: ignore[attr-defined]
    ]
    print_table("export", rows, ["format", "file", "rows", "bytes", "sha256"])
