"""The tests that an agent may see the results of, run on its current diff, in a sandbox that is not its own."""

from collections.abc import Sequence

from environments.diff import Diff
from environments.sandbox import Backend, running
from tasks.task import Task
from tasks.testrun import TestReport, run_tests
from tasks.verifiers._apply import apply_diff, sort_out
from tasks.verifiers.data import pytest_data


async def run_visible_tests(
    task: Task,
    diff: Diff,
    backend: Backend,
    *,
    coverage: bool = False,
    tests: Sequence[str] | None = None,
    timeout_sec: float | None = None,
) -> TestReport:
    """Run the shown failing tests and those that must go on passing, protected paths restored.

    `tests`: node ids, files or classes; what they name outside the visible tests is left out.
    `coverage`: record the executed lines of the code for each test.
    Raises VerifierFault or EnvironmentFault where the sandbox fails.
    """
    data = pytest_data(task.verifier_data)
    chosen = data.visible if tests is None else tuple(test for test in data.visible if _is_named(test, tests))
    if not chosen:
        return TestReport(is_complete=True, output="none of these is a visible test")
    async with running(backend, task.verifier_spec) as sandbox:
        await apply_diff(sandbox, sort_out(task, diff).diff)
        return await run_tests(
            sandbox,
            chosen,
            timeout_sec=timeout_sec or task.verifier_timeout_sec,
            per_test_timeout_sec=data.per_test_timeout_sec,
            coverage=_code_folders(task) if coverage else (),
        )


def _is_named(test: str, names: Sequence[str]) -> bool:
    return any(test == name or test.startswith((f"{name}::", f"{name}[", f"{name.rstrip('/')}/")) for name in names)


def _code_folders(task: Task) -> list[str]:
    """Top-level folders and files of the agent's Python code."""
    files = [file for layer in task.agent_spec.layers for file in layer.iterdir()]
    names = {file.name for file in files if file.suffix == ".py" or (file.is_dir() and file.name != ".git")}
    return sorted(name for name in names if not name.startswith((".", "docs", "examples")))
