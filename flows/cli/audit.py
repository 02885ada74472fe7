"""`gristmill audit`: can the tasks of a suite be solved without the work?"""

from pathlib import Path
from typing import Annotated, get_args

import typer

from flows.cli import options
from flows.cli.output import print_json, print_line, print_table, progress_bar


def add_to(app: typer.Typer) -> None:
    app.command("audit")(audit)


def audit(
    suite: options.Suite,
    check: Annotated[
        list[str] | None,
        typer.Option(
            "--check", help="Only this: leaks, cheats, strength, contamination or duplicates; several may be given."
        ),
    ] = None,
    task: Annotated[list[str] | None, typer.Option("--task", help="Only this task; several may be given.")] = None,
    contamination: Annotated[
        Path | None,
        typer.Option("--contamination", help="List of benchmarks to compare with; adds the check of this name."),
    ] = None,
    against: Annotated[
        list[Path] | None,
        typer.Option("--against", help="Suite that comes before this one; adds the check for duplicates."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Also write a suite of the tasks without a finding.")
    ] = None,
    backend: options.Backend = None,
    jobs: options.Jobs = None,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Look for leaks, let the cheats at each task, measure the verifiers. Exit 1 if anything was found.

    With a list of benchmarks also for contamination, with other suites also for duplicates.
    """
    from flows.errors import UsageError
    from flows.launch import launched
    from flows.requests import CHECKS, AuditRequest, Check
    from tasks.contamination import load_contamination

    names = get_args(Check)
    for name in check or ():
        if name not in names:
            raise UsageError(f"--check {name}: there is no such check; there are: {', '.join(names)}")
    checks = dict.fromkeys(check or CHECKS)
    if contamination is not None:
        checks["contamination"] = None
        load_contamination(contamination)  # a wrong list is told at once
    elif "contamination" in checks:
        raise UsageError("--check contamination: give the list of benchmarks too: --contamination FILE")
    if against:
        checks["duplicates"] = None
        if any(folder.resolve() == suite.resolve() for folder in against):
            raise UsageError(f"--against {suite}: is the suite itself; its own duplicates are found without")
    request = AuditRequest.model_validate(
        {
            "suite": suite,
            "checks": tuple(checks),
            "tasks": tuple(task or ()),
            "out": out,
            "contamination": contamination,
            "against": tuple(against or ()),
        }
    )
    with launched(backend=backend, jobs=jobs, store=store) as place, progress_bar():
        from flows.audit import audit_flow

        report = audit_flow(request, place)
    if as_json:
        print_json(report)
    else:
        print_report(report)
        if out is not None:
            print_line(f"suite without findings: {out}")
    if report.findings:
        raise typer.Exit(1)


def print_report(report: "object") -> None:
    """Findings one a row, then one row a family, then what could not be looked at."""
    from flows.auditing import AuditReport

    assert isinstance(report, AuditReport)
    if report.findings:
        rows = [{**finding.model_dump(), "evidence": _first_lines(finding.evidence)} for finding in report.findings]
        print_table("findings", rows, ["task_id", "kind", "place", "evidence"])
    rows = []
    for family in report.families:
        row = {**family.model_dump(), "with findings": family.with_findings}
        for name in ("false_accept", "false_reject"):
            rate = getattr(family, name)
            row[name.replace("_", " ")] = f"{rate.count} of {rate.n} ({rate.low:.1%} to {rate.high:.1%})"
        rows.append(row)
    if "strength" in report.checks:
        print_table("verifiers", rows, ["family", "tasks", "with findings", "false accept", "false reject"])
    notes: dict[str, list[str]] = {}
    for task in report.tasks:
        for note in task.notes:
            notes.setdefault(note, []).append(task.task_id)
    for note, tasks in notes.items():
        print_line(f"note: {note} ({tasks[0] if len(tasks) == 1 else f'{len(tasks)} tasks'})")
    found = sum(bool(task.findings) for task in report.tasks)
    print_line(
        f"{len(report.tasks) - found} of {len(report.tasks)} tasks without a finding; "
        f"{report.seconds:.0f} s on {report.backend}"
    )


def _first_lines(text: str) -> str:
    lines = text.splitlines()
    return "\n".join(line[:100] for line in lines[:4]) + ("\n…" if len(lines) > 4 else "")
