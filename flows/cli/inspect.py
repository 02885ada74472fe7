"""`gristmill inspect`: one task as a person would want to see it."""

import json
import os
import sys
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli import options
from flows.cli.output import print_json, print_line

if TYPE_CHECKING:
    from tasks.task import Task

SHOWN_TESTS = 30
SHOWN_CHARACTERS = 300
COLOURS = {"+": "green", "-": "red", "@": "cyan"}


def add_to(app: typer.Typer) -> None:
    app.command("inspect")(inspect)


def inspect(
    task: Annotated[Path, typer.Argument(help="Task folder, or SUITE/TASK_ID.", show_default=False)],
    as_json: options.Json = False,
) -> None:
    """Instruction, reference, failing tests, provenance, difficulty and findings of a task."""
    from flows.settings import load_settings
    from tasks.folder import read_task

    folder = find_task(task).absolute()
    found = describe(read_task(folder, cache=load_settings().cache_folder), findings_beside(folder))
    if as_json:
        print_json(found)
    else:
        _print(found)


def find_task(path: Path) -> Path:
    """The task's folder. Raises BadTaskFolder saying what there is instead."""
    from tasks.errors import BadTaskFolder

    if (path / "task.toml").is_file():
        return path
    below = path.parent / "tasks" / path.name
    if (below / "task.toml").is_file():
        return below
    if (inside := _tasks_in(path)) and path.is_dir():
        raise BadTaskFolder(f"{path}: is a suite; name one of its {len(inside)} tasks, e.g. {path / inside[0]}")
    if siblings := _tasks_in(path.parent):
        near = get_close_matches(path.name, siblings, n=3) or siblings[:3]
        raise BadTaskFolder(f"{path}: {path.parent} has no task {path.name!r}; there are {', '.join(near)} …")
    if path.is_dir():
        raise BadTaskFolder(f"{path}: has no task.toml; give a task's folder, or SUITE/TASK_ID")
    raise BadTaskFolder(f"{path}: there is no such folder; give a task's folder, or SUITE/TASK_ID")


def _tasks_in(folder: Path) -> list[str]:
    places = (folder / "tasks", folder)
    return sorted({file.parent.name for place in places for file in place.glob("*/task.toml")})


def findings_beside(folder: Path) -> list[dict[str, Any]] | None:
    """What the suite's `audit.json` says of the task; None where the suite has not been audited."""
    from tasks.errors import BadTaskFolder

    file = folder.parent.parent / "audit.json"
    if folder.parent.name != "tasks" or not file.is_file():
        return None
    try:
        audits = json.loads(file.read_bytes())["tasks"]
        found = [audit["findings"] for audit in audits if audit["task_id"] == folder.name]
    except (ValueError, KeyError, TypeError) as error:
        raise BadTaskFolder(
            f"{file}: is no report of an audit ({error}); remove it, or audit the suite again"
        ) from error
    return found[0] if found else None


def describe(task: "Task", findings: list[dict[str, Any]] | None) -> dict[str, Any]:
    """Plain data of all that is shown."""
    from tasks.contamination import mark_of
    from tasks.difficulty import difficulty_of

    difficulty = difficulty_of(task.provenance)
    failing = [str(test) for test in task.verifier_data.get("fail_to_pass", ())]
    is_withheld = task.verifier_data.get("is_withheld", False)
    shown = set() if is_withheld else set(task.verifier_data.get("shown", ())) or set(failing)
    return {
        "id": task.id,
        "folder": str(task.folder),
        "family": task.family,
        "status": task.status,
        "verifier": task.verifier,
        "instruction": task.instruction,
        "reference": task.reference.text() if task.reference is not None else None,
        "solve_script": task.solve_script.decode(errors="replace") if task.solve_script else None,
        "fail_to_pass": [{"test": test, "is_shown": test in shown} for test in failing],
        "pass_to_pass": len(task.verifier_data.get("pass_to_pass", ())),
        "grading": task.verifier_data if task.verifier == "graded" else None,
        "services": [f"{each.name} on port {each.port}" for each in task.agent_spec.services],
        "provenance": task.provenance.model_dump(mode="json"),
        "difficulty": difficulty.model_dump(mode="json") if difficulty is not None else None,
        "contamination": mark_of(task.provenance),
        "findings": findings,
    }


def _print(found: dict[str, Any]) -> None:
    heading(f"{found['id']} ({found['family']}, {found['status']}, verifier {found['verifier']})")
    print_line(found["folder"])
    heading("\nInstruction")
    print_line(found["instruction"])
    heading("\nReference: from what the agent gets to the solved state")
    if found["reference"] is not None:
        for line in found["reference"].splitlines():
            coloured(line, "bold" if line.startswith(("+++", "---", "diff ")) else COLOURS.get(line[:1], ""))
    else:
        print_line(found["solve_script"] or "none: the folder has no solution")
    if failing := found["fail_to_pass"]:
        hidden = sum(not each["is_shown"] for each in failing)
        heading(
            f"\nFailing tests: {len(failing)}, of which {hidden} are hidden; {found['pass_to_pass']} must stay passed"
        )
        for each in failing[:SHOWN_TESTS]:
            print_line(f"  {'shown ' if each['is_shown'] else 'hidden'}  {each['test']}")
        if len(failing) > SHOWN_TESTS:
            print_line(f"  … and {len(failing) - SHOWN_TESTS} more (--json has them all)")
    if grading := found["grading"]:
        heading(f"\nGrading: {grading['grader']}")
        print_line(f"  changes that count: {', '.join(grading['accepts']) or 'of all but the given files'}")
        for name, value in grading["data"].items():
            print_line(f"  {name}: {_short(value)}")
    for service in found["services"]:
        print_line(f"  service {service}")
    heading("\nProvenance")
    details = found["provenance"].pop("details")
    for name, value in {**found["provenance"], **details}.items():
        if value not in ("", None) and name not in ("difficulty", "contamination"):
            print_line(f"  {name}: {value if isinstance(value, str) else json.dumps(value)}")
    heading("\nDifficulty")
    for name, value in (found["difficulty"] or {"not measured": ""}).items():
        print_line(f"  {name}: {'no way is seen' if value is None else value}".removesuffix(": "))
    heading("\nFindings")
    if found["contamination"]:
        coloured(f"  contaminated: {found['contamination']}", "red")
    for each in found["findings"] or ():
        coloured(f"  {each['kind']} at {each['place']}", "red")
        for line in each["evidence"].splitlines()[:5]:
            print_line(f"    {line[:200]}")
    if found["findings"] is None:
        print_line("  the suite has no audit.json: gristmill audit SUITE")
    elif not found["findings"]:
        print_line("  none")


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]} … (--json has it all)"


def heading(text: str) -> None:
    coloured(text, "bold")


def coloured(text: str, style: str) -> None:
    """A line, with a style where a person looks at a terminal that wants one (https://no-color.org)."""
    if not style or not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        print_line(text)
        return
    from rich.console import Console
    from rich.text import Text

    Console(soft_wrap=True, highlight=False).print(Text(text, style=style))
