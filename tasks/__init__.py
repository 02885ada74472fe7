"""What is to be solved: tasks, suites, sources, generators, verifiers, validation.

Imports `environments` only.

    source = fetch_source("pypi:sqlparse==0.6.1", cache=cache)
    repository = await prepare_repository(source, backend, cache=cache)

    suite = open_suite(folder, cache=cache)
    await prepare_suite(suite, backend, cache=cache)
    for task in suite.tasks():
        verdict = await get_verifier(task.verifier).verify(task, diff, backend)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tasks._environment import Interpreter, find_interpreter
    from tasks.errors import BadSource, BadTaskFolder, TaskFault, VerifierFault
    from tasks.repository import Repository, prepare_repository
    from tasks.source import Source, fetch_source
    from tasks.suite import Manifest, Suite, SuiteWriter, open_suite, prepare_suite
    from tasks.task import Provenance, Task
    from tasks.testrun import TestReport, TestResult, run_tests
    from tasks.verdict import Check, Verdict, Verifier
    from tasks.verifiers import get_verifier, run_visible_tests, verifier_names
    from tasks.verifiers._apply import apply_diff

_DOORS = {
    "tasks._environment": "Interpreter find_interpreter",
    "tasks.errors": "BadSource BadTaskFolder TaskFault VerifierFault",
    "tasks.repository": "Repository prepare_repository",
    "tasks.source": "Source fetch_source",
    "tasks.suite": "Manifest Suite SuiteWriter open_suite prepare_suite",
    "tasks.task": "Provenance Task",
    "tasks.testrun": "TestReport TestResult run_tests",
    "tasks.verdict": "Check Verdict Verifier",
    "tasks.verifiers": "get_verifier run_visible_tests verifier_names",
    "tasks.verifiers._apply": "apply_diff",
}
_HOME = {name: module for module, names in _DOORS.items() for name in names.split()}

__all__ = [
    "BadSource",
    "BadTaskFolder",
    "Check",
    "Interpreter",
    "Manifest",
    "Provenance",
    "Repository",
    "Source",
    "Suite",
    "SuiteWriter",
    "Task",
    "TaskFault",
    "TestReport",
    "TestResult",
    "Verdict",
    "Verifier",
    "VerifierFault",
    "apply_diff",
    "fetch_source",
    "find_interpreter",
    "get_verifier",
    "open_suite",
    "prepare_repository",
    "prepare_suite",
    "run_tests",
    "run_visible_tests",
    "verifier_names",
]


def __getattr__(name: str) -> Any:
    """Load a name's module when it is asked for: `gristmill show` needs one of them, not all."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
