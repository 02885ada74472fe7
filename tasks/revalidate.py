"""Every task of a suite again: the reference passes, doing nothing fails."""

import asyncio
from collections.abc import Callable

from pydantic import BaseModel, ConfigDict

from environments.diff import Diff
from environments.errors import EnvironmentFault
from environments.sandbox import Backend, running
from tasks.errors import BadTaskFolder
from tasks.suite import Suite
from tasks.task import Task
from tasks.verifiers import get_verifier

SOLVE = "/tmp/solution/solve.sh"


class TaskCheck(BaseModel):
    """Whether a task still holds, and why not."""

    model_config = ConfigDict(frozen=True)

    task_id: str
    is_valid: bool
    reason: str = ""


async def validate_suite(
    suite: Suite,
    backend: Backend,
    *,
    jobs: int,
    on_progress: Callable[[TaskCheck], None] = lambda check: None,
) -> list[TaskCheck]:
    """Check every task, `jobs` at a time; results in the suite's order."""
    slots = asyncio.Semaphore(jobs)

    async def one(task_id: str) -> TaskCheck:
        async with slots:
            try:
                reason = await why_invalid(await asyncio.to_thread(suite.task, task_id), backend)
            except (EnvironmentFault, BadTaskFolder) as fault:
                reason = str(fault)
        check = TaskCheck(task_id=task_id, is_valid=not reason, reason=reason)
        on_progress(check)
        return check

    return list(await asyncio.gather(*(one(task_id) for task_id in suite.task_ids())))


async def why_invalid(task: Task, backend: Backend) -> str:
    """Empty if the reference passes and nothing fails; a task without a reference is only checked for the latter."""
    verifier = get_verifier(task.verifier)
    nothing = await verifier.verify(task, Diff(), backend)
    if nothing.error:
        return f"the verifier failed: {nothing.error}"
    if nothing.is_solved:
        return "doing nothing passes"
    reference = await reference_of_task(task, backend)
    if reference is None:
        # Folders of others may lack a solution; one that says `validated` had one.
        return "its reference solution is missing from solution/" if task.status == "validated" else ""
    verdict = await verifier.verify(task, reference, backend)
    if verdict.error:
        return f"the verifier failed: {verdict.error}"
    if not verdict.is_solved:
        failed = [check.name for check in verdict.checks if not check.passed]
        return f"the reference gets reward {verdict.reward:g}" + (
            f"; failing: {', '.join(failed[:3])}" if failed else ""
        )
    return ""


async def reference_of_task(task: Task, backend: Backend) -> Diff | None:
    """What the solution changes: as the task says, or as its solution/solve.sh does; None where it has neither."""
    if task.reference is not None or task.solve_script is None:
        return task.reference
    return await _solved_by_script(task, task.solve_script, backend)


async def _solved_by_script(task: Task, script: bytes, backend: Backend) -> Diff:
    """What solution/solve.sh changes in the agent's sandbox."""
    async with running(backend, task.agent_spec) as sandbox:
        await sandbox.write_files({SOLVE: script}, mode=0o755)
        await sandbox.run(["bash", SOLVE], timeout_sec=task.agent_timeout_sec)
        return await sandbox.diff()
