"""Verifiers: each decides whether a diff solves a task. One file, one class, one registry entry.

Others add theirs by an entry point:

    [project.entry-points."gristmill.verifiers"]
    mine = "my_package:MyVerifier"
"""

from importlib import import_module
from importlib.metadata import entry_points

from environments.diff import Diff
from tasks.errors import TaskFault
from tasks.task import Task
from tasks.verdict import Verifier
from tasks.verifiers._apply import sort_out
from tasks.verifiers.visible import run_visible_tests

__all__ = ["get_verifier", "judged_part", "run_visible_tests", "verifier_names"]

GROUP = "gristmill.verifiers"
_OURS = {
    "pytest": "tasks.verifiers.pytest_tests:PytestVerifier",
    "script": "tasks.verifiers.script:ScriptVerifier",
}


def verifier_names() -> list[str]:
    return sorted({*_OURS, *(point.name for point in entry_points(group=GROUP))})


def judged_part(task: Task, diff: Diff) -> Diff:
    """What of a diff reaches the verifier: two diffs with the same part get the same verdict."""
    return sort_out(task, diff).diff if task.verifier == "pytest" else diff


def get_verifier(name: str) -> Verifier:
    """The verifier of this name. Raises TaskFault for an unknown one."""
    if name in _OURS:
        module, _, attribute = _OURS[name].partition(":")
        verifier: Verifier = getattr(import_module(module), attribute)()
        return verifier
    for point in entry_points(group=GROUP):
        if point.name == name:
            verifier = point.load()()
            return verifier
    raise TaskFault(f"no verifier is called {name!r}; there are: {', '.join(verifier_names())}")
