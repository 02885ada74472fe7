"""`gristmill run FILE.yaml`: the whole pipeline, resumable."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli import options
from flows.cli.audit import print_report
from flows.cli.export import print_exports
from flows.cli.generate import print_yields
from flows.cli.output import print_json, print_line, progress_bar
from flows.cli.rollout import print_pass_rates


def add_to(app: typer.Typer) -> None:
    app.command("run")(run)


def run(
    file: Annotated[
        Path, typer.Argument(help="Pipeline in YAML: generate, audit, rollout, export.", show_default=False)
    ],
    backend: options.Backend = None,
    jobs: options.Jobs = None,
    engine: options.Engine = None,
    model_limit: options.ModelLimit = None,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Generate, roll out, export. Killed and started again, it goes on where it was."""
    from flows.by_hand import model_limits_held
    from flows.launch import launched
    from flows.requests import load_pipeline

    request = load_pipeline(file)
    with (
        launched(
            backend=backend or request.backend,
            jobs=jobs or request.jobs,
            store=store or request.store,
            engine=engine or request.engine,
        ) as here,
        model_limits_held(request, here, at_most=model_limit) as place,
        progress_bar(),
    ):
        from flows.pipeline import pipeline_flow

        summary = pipeline_flow(request, place)
    if as_json:
        print_json(summary)
    else:
        print_yields(summary.generated)
        if summary.audited:
            print_report(summary.audited)
        if summary.rolled_out:
            print_pass_rates(summary.rolled_out.pass_rates)
        if summary.exported:
            print_exports(list(summary.exported))
        print_line(f"suite:  {request.generate.out}")
        print_line(f"store:  {place.store}")
        for export in request.export:
            print_line(f"export: {export.out}")
    if summary.rolled_out and summary.rolled_out.unknown:
        raise typer.Exit(1)
