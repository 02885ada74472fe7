"""`gristmill show`: what is in the store, and one rollout in full."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli import options
from flows.cli.output import print_json, print_line, print_table


def add_to(app: typer.Typer) -> None:
    app.command("show")(show)


def show(
    what: Annotated[
        str,
        typer.Argument(help="suites, tasks, findings, rollouts, exports, levels, phrasings, costs, or a rollout's id."),
    ],
    where: Annotated[str, typer.Option("--where", help="Filter of rollouts, e.g. \"agent = 'repair'\".")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, help="Rows at most.")] = 50,
    html: Annotated[
        Path | None, typer.Option("--html", help="Write the rollout to this file, as one page that works offline.")
    ] = None,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Lists as tables; a rollout with its steps, verdict and diff."""
    from flows.place import Place
    from flows.settings import load_settings

    place = Place.from_settings(load_settings(store=store))
    with place.open_store() as opened:
        if html is not None:
            _write_html(opened.load(what), html)
            return
        if what == "suites":
            columns = ["name", "version", "hash", "tasks"]
            rows = [row.model_dump(mode="json") for row in opened.suites()]
        elif what == "tasks":
            columns = ["id", "suite_name", "family", "repository", "license", "findings", "audited_at"]
            names = {row.hash: row.name for row in opened.suites()}
            counts = opened.finding_counts()
            rows = [
                {
                    **row.model_dump(mode="json"),
                    "suite_name": names.get(row.suite_hash, ""),
                    "findings": counts.get((row.suite_hash, row.id), 0),
                }
                for row in opened.tasks(limit=limit)
            ]
        elif what == "findings":
            columns = ["task_id", "kind", "place", "evidence"]
            rows = [row.model_dump(mode="json") for row in opened.findings(limit=limit)]
        elif what == "rollouts":
            columns = [
                "id",
                "task_id",
                "agent",
                "model",
                "backend",
                "attempt",
                "ending",
                "reward",
                "steps",
                "attempts",
                "total_sec",
            ]
            rows = [row.model_dump(mode="json") for row in opened.rollouts(where, limit=limit)]
        elif what == "exports":
            columns = ["format", "out", "rows", "created_at"]
            rows = [row.model_dump(mode="json") for row in opened.exports()]
        elif what == "costs":
            from trajectories.costs import cost_report

            rows = [row.model_dump() for row in cost_report(opened, where)]
            columns = ["agent", "model", "family", "n", "prompt_tokens", "completion_tokens", "seconds"]
            columns += ["cost_usd", "usd_a_success", "energy_wh", "energy_source"]
        elif what in ("levels", "phrasings"):
            from trajectories.reports import level_report, phrasing_report

            report = level_report if what == "levels" else phrasing_report
            rows = [row.model_dump() for row in report(opened, where)]
            columns = list(rows[0]) if rows else ["agent", "model", "family"]
        else:
            rollout = opened.load(what)
            if as_json:
                print_json(rollout)
            else:
                _print_rollout(rollout)
            return
    if as_json:
        print_json(rows)
    else:
        print_table(what, rows, columns)


def _write_html(rollout: "object", file: Path) -> None:
    from dashboard.standalone import standalone
    from flows.errors import UsageError
    from trajectories.rollout import Rollout

    assert isinstance(rollout, Rollout)
    text = standalone(rollout)
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--html {file}: cannot be written: {error.strerror}; give another file") from error
    print_line(str(file))


def _print_rollout(rollout: "object") -> None:
    from trajectories.rollout import Rollout

    assert isinstance(rollout, Rollout)
    key = rollout.key
    print_line(f"rollout {key.id}: {key.agent}{' with ' + key.model if key.model else ''} on {key.task_id}")
    print_line(
        f"reward {rollout.verdict.reward:g}, ended: {rollout.ending} {rollout.ending_detail}".rstrip()
        + (f", infrastructure: {rollout.verdict.error}" if rollout.verdict.error else "")
    )
    for step in rollout.trajectory.steps:
        print_line(f"\n[{step.step_id}] {step.source}")
        if step.message:
            print_line(str(step.message))
        for call in step.tool_calls or ():
            print_line(f"  → {call.function_name} {call.arguments}")
        for result in step.observation.results if step.observation else ():
            print_line("    " + str(result.content).replace("\n", "\n    "))
    failed = [check for check in rollout.verdict.checks if not check.passed]
    print_line(f"\nchecks: {len(rollout.verdict.checks) - len(failed)} passed, {len(failed)} failed")
    for check in failed[:20]:
        print_line(f"  failed: {check.name} {check.detail.splitlines()[0] if check.detail else ''}")
    for attempt in rollout.attempts:
        print_line(f"attempt: {attempt.kind} in step {attempt.step_id}: {attempt.evidence}")
    if rollout.diff:
        print_line("\n" + rollout.diff)
