"""One rollout at a time, driven from outside: `reset` makes the agent's sandbox, `step` calls a tool in it.

It goes as the rollout engine goes (`agents.rollout`): the agent's sandbox has never seen tests or reference; at
the end its change is taken, it is stopped, and the verifier decides in a fresh one. What fails in the
infrastructure has no reward: None, with the reason in `info["error"]`.
"""

import asyncio
import random
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from agents.agent import AgentLimits, LimitReached, Submitted
from agents.environment.errors import BadTask, NoRollout
from agents.errors import AgentFault
from agents.recorder import Recorder
from agents.rollout import GRACE_SEC, SET_UP_SEC, TRIES, verify_once
from agents.session import RolloutSession
from agents.tools.tool import Place
from environments.diff import Diff
from environments.errors import BackendUnavailable, EnvironmentFault, UnsupportedSpec
from environments.sandbox import Backend, Sandbox
from tasks.errors import BadTaskFolder, VerifierFault
from tasks.task import Task
from tasks.verdict import Verdict
from trajectories.atif import Trajectory
from trajectories.rollout import Ending

SEEDS = 2**32
KNOWN_VERDICTS = 16  # kept of a task: nothing done and the usual mistakes come again, the rest would fill the memory


class Tasks(Protocol):
    """Where tasks come from; a `tasks.suite.Suite` is one."""

    def task_ids(self) -> Sequence[str]: ...

    def task(self, task_id: str) -> Task:
        """Raises BadTaskFolder."""
        ...


class Start(NamedTuple):
    """What `reset` gives: the instruction, the tools as OpenAI function schemas, `info` of task_id and seed."""

    observation: str
    tools: tuple[dict[str, Any], ...]
    info: dict[str, Any]


class Step(NamedTuple):
    """What `step` gives. `reward` is 0.0 until the end, then the verifier's 0…1, or None where it is unknown.

    `info`: is_error (of the tool call), steps, and at the end: ending, detail, checks (passed, of all), error.
    """

    observation: str
    reward: float | None
    done: bool
    info: dict[str, Any]


class TaskEnvironment:
    """An environment over the tasks of a suite. One caller at a time; many instances may share a backend.

    `limits`: of each rollout. None: the defaults, with the task's own time limit. Limits that are given count as
    they are: `seconds` run from the reset and hold what the trainer's model takes to answer.
    `verdicts`: known verdicts by task and judged change, which instances may share; the same change is judged once.
    """

    def __init__(
        self,
        tasks: Tasks,
        backend: Backend,
        *,
        limits: AgentLimits | None = None,
        verdicts: dict[str, dict[str, Verdict]] | None = None,
    ) -> None:
        self._tasks = tasks
        self._backend = backend
        self._limits = limits
        self._verdicts = verdicts if verdicts is not None else {}
        self._task: Task | None = None
        self._sandbox: Sandbox | None = None
        self._stopping: asyncio.Future[None] | None = None
        self._session: RolloutSession | None = None
        self._last: Step | None = None

    @property
    def is_running(self) -> bool:
        """Whether a rollout is under way: `step` may be called."""
        return self._session is not None and self._last is None

    @property
    def has_sandbox(self) -> bool:
        return self._sandbox is not None

    @property
    def last_step(self) -> Step | None:
        """The step that ended the rollout; None while it is under way."""
        return self._last

    def state(self) -> dict[str, Any]:
        """Task, steps and whether it is over, without changing anything."""
        session = self._session
        return {
            "task_id": session.task_id if session else None,
            "seed": session.seed if session else None,
            "step_count": session.steps if session else 0,
            "done": self._last is not None,
            "seconds_left": session.seconds_left if session else None,
            "limits": session.limits.model_dump() if session else None,
        }

    def tool_definitions(self) -> tuple[dict[str, Any], ...]:
        """OpenAI function schemas of the task's tools; none before the first reset."""
        return self._session.tool_definitions() if self._session else ()

    def trajectory(self) -> Trajectory:
        """What was done so far, as ATIF. Raises NoRollout before the first reset."""
        if self._session is None:
            raise NoRollout("nothing was done yet: call reset first")
        return self._session.recorder.trajectory(
            agent="environment",
            version="1",
            model_name=None,
            tool_definitions=self._session.tool_definitions(),
            extra={"task_id": self._session.task_id, "seed": self._session.seed},
        )

    async def reset(self, task_id: str | None = None, seed: int | None = None) -> Start:
        """Begin a rollout; one that is under way ends without a verdict.

        Without `task_id` the seed chooses the task, and without a seed chance does.
        Raises BadTask; EnvironmentFault where no sandbox comes up in three tries.
        """
        await self.close()
        seed = secrets.randbelow(SEEDS) if seed is None else seed
        task = self._choose(task_id, seed)
        self._sandbox = await self._start(task)
        limits = self._limits or AgentLimits(seconds=task.agent_timeout_sec)
        try:
            self._session = RolloutSession(
                Place(self._sandbox, self._backend, task),
                seed=seed,
                limits=limits,
                recorder=Recorder(session_id=f"environment-{secrets.token_hex(8)}"),
                model=None,
            )
            await self._session.open()
        except AgentFault as fault:
            await self.close()
            raise BadTask(f"task {task.id}: {fault}") from fault
        except BaseException:
            await self.close()
            raise
        self._task = task
        return Start(task.instruction, self._session.tool_definitions(), {"task_id": task.id, "seed": seed})

    async def step(self, tool: str, arguments: Mapping[str, Any]) -> Step:
        """Call a tool. `submit`, or a limit, ends the rollout with its reward. Raises NoRollout.

        A wrong name or wrong arguments are an observation with `info["is_error"]`, and are counted.
        """
        session = self._under_way()
        limit = asyncio.timeout(session.seconds_left + GRACE_SEC)
        try:
            async with limit:
                answer = await session.call(tool, arguments)
        except Submitted:
            return await self._end("submitted", "submitted")
        except LimitReached as reached:
            return await self._end(reached.reason, str(reached), reached.detail)
        except (EnvironmentFault, VerifierFault) as fault:
            return await self._lost(f"{type(fault).__name__}: {fault}")
        except TimeoutError as error:
            if not limit.expired():
                return await self._lost(f"TimeoutError: {error}")
            return await self._end("time_limit", "out of time", f"{session.limits.seconds:g} s")
        except Exception as error:  # noqa: BLE001  a tool of somebody else's, or arguments that no tool foresees
            reason = f"{type(error).__name__}: {error}"
            return await self._end("agent_error", f"the call failed: {reason}", reason, is_error=True)
        if session.steps >= session.limits.steps:
            return await self._end("step_limit", answer.text, f"{session.limits.steps} steps", answer.is_error)
        return Step(answer.text, 0.0, False, {"is_error": answer.is_error, "steps": session.steps})

    async def finish(self) -> Step:
        """End the rollout as it stands, as an agent does that stops without `submit`; the last step if it is over.

        Raises NoRollout before the first reset.
        """
        if self._last is not None:
            return self._last
        self._under_way()
        return await self._end("finished", "finished")

    async def close(self) -> None:
        """Stop the sandbox, if there is one, and forget the rollout. Idempotent."""
        session, self._session = self._session, None
        self._task = self._last = None
        try:
            if session is not None:
                await session.close()
        finally:
            await self._stop()

    def _choose(self, task_id: str | None, seed: int) -> Task:
        ids = sorted(self._tasks.task_ids())
        if not ids:
            raise BadTask("the suite has no tasks")
        if task_id is None:
            task_id = random.Random(seed).choice(ids)
        elif task_id not in ids:
            raise BadTask(f"the suite has no task {task_id!r}; it has {len(ids)}, the first: {', '.join(ids[:3])}")
        try:
            return self._tasks.task(task_id)
        except BadTaskFolder as fault:
            raise BadTask(str(fault)) from fault

    async def _start(self, task: Task) -> Sandbox:
        for number in range(TRIES):
            try:
                async with asyncio.timeout(SET_UP_SEC):
                    return await self._backend.start(task.agent_spec)
            except (BackendUnavailable, UnsupportedSpec):
                raise
            except (EnvironmentFault, TimeoutError) as fault:
                if number + 1 == TRIES:
                    raise EnvironmentFault(f"task {task.id}: no sandbox in {TRIES} tries: {fault}") from fault
                await asyncio.sleep(0.5 * 2**number)
        raise AssertionError

    def _under_way(self) -> RolloutSession:
        if self._session is None:
            raise NoRollout("no rollout is under way: call reset first")
        if self._last is not None:
            raise NoRollout(f"the rollout is over ({self._last.info['ending']}): call reset for the next one")
        return self._session

    async def _end(self, ending: Ending, text: str, detail: str = "", is_error: bool = False) -> Step:
        """The change out of the sandbox, the sandbox down, the verdict from a fresh one."""
        assert self._task is not None and self._sandbox is not None
        try:
            if self._session is not None:
                await self._session.close()
            diff: Diff = await self._sandbox.diff()
            await self._stop()
            known = self._verdicts.setdefault(self._task.id, {})
            verdict = await verify_once(self._task, diff, self._backend, known)
            while len(known) > KNOWN_VERDICTS:
                known.pop(next(iter(known)), None)
        except (EnvironmentFault, VerifierFault, TimeoutError) as fault:
            return await self._lost(f"{type(fault).__name__}: {fault}")
        if verdict.error:
            return await self._lost(verdict.error)
        checks = {"passed": sum(check.passed for check in verdict.checks), "of": len(verdict.checks)}
        return self._over(text, verdict.reward, ending, {"is_error": is_error, "detail": detail, "checks": checks})

    async def _lost(self, reason: str) -> Step:
        """The infrastructure failed: the rollout is over, and what it is worth is unknown."""
        await self._stop()
        text = "the environment failed; this rollout is lost"
        return self._over(text, None, "infrastructure_error", {"is_error": True, "detail": reason, "error": reason})

    def _over(self, text: str, reward: float | None, ending: Ending, info: dict[str, Any]) -> Step:
        steps = self._session.steps if self._session else 0
        self._last = Step(text, reward, True, {"steps": steps, "ending": ending, "error": None, **info})
        return self._last

    async def _stop(self) -> None:
        """Goes on where the caller is cancelled; who calls it next waits for the same stop."""
        if self._sandbox is None:
            return
        stopping = self._stopping = self._stopping or asyncio.ensure_future(self._sandbox.stop())
        try:
            await asyncio.shield(stopping)
        finally:
            if stopping.done():
                self._sandbox = self._stopping = None
