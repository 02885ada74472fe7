"""Every task of a suite again: the reference passes, doing nothing fails, and the answer lies nowhere to be read."""

import asyncio
from collections.abc import Callable, Sequence

from pydantic import BaseModel, ConfigDict

from environments.diff import Diff
from environments.errors import EnvironmentFault
from environments.sandbox import Backend, running
from tasks.audit import Finding, scan_all_shared, scan_own
from tasks.errors import BadTaskFolder, VerifierFault
from tasks.suite import Suite
from tasks.task import Task
from tasks.verifiers import get_verifier

SOLVE = "/tmp/solution/solve.sh"


class TaskCheck(BaseModel):
    """Whether a task still holds, and why not. `notes`: what the leak scan could not look at.

    Open network is a finding and no reason: some tasks need it, and those are marked by it.
    """

    model_config = ConfigDict(frozen=True)

    task_id: str
    is_valid: bool
    reason: str = ""
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()


async def validate_suite(
    suite: Suite,
    backend: Backend,
    *,
    jobs: int,
    on_progress: Callable[[TaskCheck], None] = lambda check: None,
    task_ids: Sequence[str] | None = None,
) -> list[TaskCheck]:
    """Check every task, or those of `task_ids`, `jobs` at a time; results in that order."""
    slots = asyncio.Semaphore(jobs)
    references: dict[str, tuple[Task, Diff | None]] = {}

    async def one(task_id: str) -> TaskCheck:
        findings: tuple[Finding, ...] = ()
        notes: tuple[str, ...] = ()
        async with slots:
            try:
                task = await asyncio.to_thread(suite.task, task_id)
                reference = await reference_of_task(task, backend)
                references[task_id] = (task, reference)
                reason = await why_invalid(task, reference, backend)
                scan = await scan_own(task, reference, backend)
                findings, notes = scan.findings, scan.notes
            except (EnvironmentFault, BadTaskFolder, VerifierFault) as fault:
                reason = str(fault)
        check = TaskCheck(task_id=task_id, is_valid=not reason, reason=reason, findings=findings, notes=notes)
        check = _with_leaks(check, ())
        on_progress(check)
        return check

    checks = await asyncio.gather(*(one(task_id) for task_id in task_ids or suite.task_ids()))
    shared, notes = await scan_all_shared(list(references.values()), backend)
    return [
        _with_leaks(check.model_copy(update={"notes": (*check.notes, *notes)}), shared.get(check.task_id, ()))
        for check in checks
    ]


def _with_leaks(check: TaskCheck, more: Sequence[Finding]) -> TaskCheck:
    """The check with more findings; leaks make a task invalid that was valid so far."""
    findings = (*check.findings, *more)
    leaks = [finding for finding in findings if finding.kind != "open-network"]
    reason = check.reason or "; ".join(f"{leak.kind} at {leak.place}" for leak in leaks[:3])
    return check.model_copy(update={"findings": findings, "reason": reason, "is_valid": not reason})


async def why_invalid(task: Task, reference: Diff | None, backend: Backend) -> str:
    """Empty if the reference passes and nothing fails; a task without a reference is only checked for the latter."""
    verifier = get_verifier(task.verifier)
    nothing = await verifier.verify(task, Diff(), backend)
    if nothing.error:
        return f"the verifier failed: {nothing.error}"
    if nothing.is_solved:
        return "doing nothing passes"
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
