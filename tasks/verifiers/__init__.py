"""Verifiers: each decides whether a diff solves a task. One file, one class, one registry entry.

Others add theirs by an entry point:

    [project.entry-points."gristmill.verifiers"]
    mine = "my_package:MyVerifier"
"""

from hashlib import sha256

from environments.diff import Diff
from environments.named import Named
from tasks.errors import TaskFault
from tasks.task import Task
from tasks.verdict import Verifier
from tasks.verifiers._apply import sort_out
from tasks.verifiers.graded import accepted_part
from tasks.verifiers.visible import run_visible_tests

__all__ = ["get_verifier", "judged_part", "run_visible_tests", "verifier_names"]

VERIFIERS = Named(
    "verifier",
    "gristmill.verifiers",
    {
        "graded": "tasks.verifiers.graded:GradedVerifier",
        "pytest": "tasks.verifiers.pytest_tests:PytestVerifier",
        "script": "tasks.verifiers.script:ScriptVerifier",
    },
    TaskFault,
)


def verifier_names() -> list[str]:
    return VERIFIERS.names()


def judged_part(task: Task, diff: Diff) -> str:
    """A digest of what of a diff reaches the verifier: two diffs with the same one get the same verdict.

    Empty where nothing does.
    """
    parts = {"pytest": sort_out, "graded": accepted_part}
    changes = parts[task.verifier](task, diff).diff.changes if task.verifier in parts else diff.changes
    digest = sha256()
    for change in sorted(changes, key=lambda change: change.path):
        digest.update(f"{change.path}\0{change.mode:o}\0{change.after is None}\0".encode(errors="surrogateescape"))
        digest.update(sha256(change.after or b"").digest())
    return digest.hexdigest() if changes else ""


def get_verifier(name: str) -> Verifier:
    """The verifier of this name. Raises TaskFault for an unknown one."""
    verifier: Verifier = VERIFIERS[name]()
    return verifier
