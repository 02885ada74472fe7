"""`gristmill flywheel FILE.yaml`: tasks, trajectories, training, evaluation, in rounds."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli import options
from flows.cli.output import print_json, print_line, print_table, progress_bar


def add_to(app: typer.Typer) -> None:
    app.command("flywheel")(flywheel)


def flywheel(
    file: Annotated[Path, typer.Argument(help="Rounds, stages, student, teacher in YAML.", show_default=False)],
    backend: options.Backend = None,
    jobs: options.Jobs = None,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Generate, roll out, select, train, evaluate, in rounds. Killed and started again, it goes on where it was."""
    from flows.flywheel.request import load_flywheel
    from flows.launch import launched

    request = load_flywheel(file)
    with (
        launched(backend=backend or request.backend, jobs=jobs or request.jobs, store=store or request.store) as place,
        progress_bar(),
    ):
        from flows.flywheel.flow import flywheel_flow

        report = flywheel_flow(request, place)
    if as_json:
        print_json(report)
        return
    from flows.flywheel.report import figures, matrix_rows, overall_rows, round_rows

    for title, rows in (
        ("rounds", round_rows(report)),
        ("the untrained model against the last one", overall_rows(report)),
        ("accuracy on held-out tasks after each round", matrix_rows(report)),
    ):
        print_table(title, rows, list(rows[0]))
    for line in figures(report):
        print_line(line)
    print_line(f"report: {request.folder / 'report.md'}")
    print_line(f"model:  {report.model}")
