"""The rollout engine: sandbox up, agent acts, diff taken, sandbox down; fresh sandbox, verifier, verdict.

The agent's sandbox has never seen tests or reference; the verifier's has never run the agent's processes.
What fails in the infrastructure is tried again with fresh sandboxes, and stays apart from reward 0.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256

from agents.agent import Agent, AgentLimits, LimitReached, Submitted
from agents.energy import energy_of
from agents.errors import AgentFault, ModelAway, ModelUnavailable
from agents.models import ModelConfig
from agents.recorder import Recorder
from agents.session import PrivilegedSession, RolloutSession
from agents.tools import ToolsConfig, short_hash
from agents.tools.tool import Place
from environments.diff import Diff
from environments.errors import BackendAway, BackendUnavailable, EnvironmentFault, UnsupportedSpec
from environments.sandbox import Backend, Sandbox
from environments.spec import SandboxSpec
from tasks.errors import VerifierFault
from tasks.task import Task
from tasks.verdict import Verdict
from tasks.verifiers import get_verifier, judged_part
from trajectories.attempts import label
from trajectories.rollout import Ending, Rollout, RolloutKey

TRIES = 3
SET_UP_SEC = 1200.0  # of a sandbox, where an image is built first
GRACE_SEC = 30.0  # an agent in code that does not look at its limits is stopped this long after them


@dataclass
class Attempt:
    """What came of one attempt so far; filled in as it goes, so that a failure keeps what there was."""

    recorder: Recorder
    session: RolloutSession | None = None
    diff: Diff = field(default_factory=Diff)
    verdict: Verdict = field(default_factory=lambda: Verdict(reward=0.0))
    ending: Ending = "finished"
    detail: str = ""
    is_verified: bool = False
    has_been_waited_for: bool = False  # what is away: a fresh sandbox brings it back no sooner
    agent_sec: float = 0.0
    verifier_sec: float = 0.0
    phases: dict[str, float] = field(default_factory=dict)  # seconds; flows.scale simulates from them


async def roll_out(
    task: Task,
    agent: Agent,
    backend: Backend,
    *,
    key: RolloutKey,
    limits: AgentLimits,
    model: ModelConfig | None,
    verdicts: dict[str, Verdict] | None = None,
    is_watched: bool = True,
    tools: ToolsConfig | None = None,
) -> Rollout:
    """One rollout with its verdict. Raises only BackendUnavailable and UnsupportedSpec.

    `verdicts`: known ones of this task by what was judged (`tasks.verifiers.judged_part`); a diff that comes to the
    same is not judged again, and new ones are added. `is_watched`: label its attempts. `tools`: beside the task's own.
    """
    started, start = datetime.now(UTC), time.monotonic()
    seed = seed_of(key)
    for number in range(TRIES):
        attempt = Attempt(Recorder(session_id=f"{key.id}-{number}"))
        await _try(attempt, task, agent, backend, seed=seed, limits=limits, model=model, verdicts=verdicts, tools=tools)
        if attempt.ending != "infrastructure_error" or attempt.is_verified or attempt.has_been_waited_for:
            break
        if number + 1 < TRIES:
            await asyncio.sleep(0.5 * 2**number)
    session = attempt.session
    recorder = attempt.recorder
    rollout = Rollout(
        key=key,
        seed=seed,
        family=task.family,
        ending=attempt.ending,
        ending_detail=attempt.detail,
        diff=await asyncio.to_thread(attempt.diff.text),  # runs git
        verdict=attempt.verdict,
        trajectory=recorder.trajectory(
            agent=agent.name,
            version=agent.version,
            model_name=model.model if model else None,
            tool_definitions=session.tool_definitions() if session else (),
            extra={"task_id": task.id, "seed": seed, "ending": attempt.ending}
            | _told(tools)
            | {"phases": {name: round(seconds, 4) for name, seconds in attempt.phases.items()}},
        ),
        started_at=started.isoformat(),
        agent_sec=attempt.agent_sec,
        verifier_sec=attempt.verifier_sec,
        total_sec=time.monotonic() - start,
        prompt_tokens=recorder.prompt_tokens,
        completion_tokens=recorder.completion_tokens,
        cost_usd=recorder.cost_usd,
        invalid_tool_calls=session.invalid_calls if session else 0,
        is_privileged=bool(getattr(agent, "needs_reference", False)),
        provenance=task.provenance.model_dump(mode="json"),
    )
    rollout = _with_energy(rollout, model)
    rollout = rollout.model_copy(update={"attempts": label(rollout)}) if is_watched else rollout
    if hear := getattr(agent, "hear", None):  # pieces that learn within a run
        hear(rollout)
    return rollout


def _told(tools: ToolsConfig | None) -> dict[str, str]:
    return {} if tools is None else {"tools": short_hash(tools)}


def _with_energy(rollout: Rollout, model: ModelConfig | None) -> Rollout:
    energy, metrics = (
        energy_of(model, rollout.prompt_tokens, rollout.completion_tokens),
        rollout.trajectory.final_metrics,
    )
    if energy is None or metrics is None:
        return rollout
    metrics = metrics.model_copy(update={"extra": {**(metrics.extra or {}), **energy}})
    return rollout.model_copy(update={"trajectory": rollout.trajectory.model_copy(update={"final_metrics": metrics})})


async def _try(
    attempt: Attempt,
    task: Task,
    agent: Agent,
    backend: Backend,
    *,
    seed: int,
    limits: AgentLimits,
    model: ModelConfig | None,
    verdicts: dict[str, Verdict] | None,
    tools: ToolsConfig | None,
) -> None:
    limits = limits.model_copy(update={"seconds": min(limits.seconds, task.agent_timeout_sec)})
    start = time.monotonic()
    removals: list[asyncio.Task[None]] = []
    try:
        async with asyncio.timeout(limits.seconds + SET_UP_SEC):
            async with _running_until(removals, backend, await _spec_for(agent, task)) as sandbox:
                kind = PrivilegedSession if getattr(agent, "needs_reference", False) else RolloutSession
                place = Place(sandbox, backend, task)
                session = kind(place, seed=seed, limits=limits, recorder=attempt.recorder, model=model)
                if isinstance(session, PrivilegedSession):
                    session.reference, session.solve_script = task.reference, task.solve_script
                attempt.session = session
                attempt.phases["start"] = time.monotonic() - start
                try:
                    await _act(attempt, agent, session, limits, tools)
                finally:
                    await session.close()
                attempt.phases["act"] = time.monotonic() - start - attempt.phases["start"]
                attempt.diff = await sandbox.diff()
                if (cpu_sec := getattr(sandbox, "cpu_sec", None)) is not None:  # not every backend knows
                    attempt.phases["cpu"] = cpu_sec
            attempt.agent_sec = time.monotonic() - start
        start = time.monotonic()
        attempt.is_verified = True
        attempt.verdict = await verify_once(task, attempt.diff, backend, verdicts)
        for removal in removals:
            await asyncio.shield(removal)
    except (BackendUnavailable, UnsupportedSpec):
        raise
    except (EnvironmentFault, VerifierFault, ModelAway, TimeoutError) as fault:
        attempt.verdict = Verdict(reward=0.0, error=f"{type(fault).__name__}: {fault}")
        attempt.has_been_waited_for = isinstance(fault, ModelAway)
    finally:
        if removals:
            await asyncio.wait(removals)
    attempt.verifier_sec = time.monotonic() - start
    if attempt.verdict.error:
        attempt.ending, attempt.detail = "infrastructure_error", attempt.verdict.error


@asynccontextmanager
async def _running_until(
    removals: list[asyncio.Task[None]], backend: Backend, spec: SandboxSpec
) -> AsyncIterator[Sandbox]:
    """A sandbox for the length of a block. Its removal is begun at the end, and goes on beside what comes next."""
    sandbox = await backend.start(spec)
    try:
        yield sandbox
    finally:
        removals.append(asyncio.create_task(sandbox.stop()))


async def _spec_for(agent: Agent, task: Task) -> SandboxSpec:
    """The task's own, with what a foreign agent must be shown (its `sandbox_spec`)."""
    adapt: Callable[[SandboxSpec], Awaitable[SandboxSpec]] | None = getattr(agent, "sandbox_spec", None)
    return await adapt(task.agent_spec) if adapt else task.agent_spec


async def verify_once(task: Task, diff: Diff, backend: Backend, verdicts: dict[str, Verdict] | None) -> Verdict:
    if verdicts is None:
        return await _verify(task, diff, backend)
    judged = judged_part(task, diff)
    if judged not in verdicts:
        verdict = await _verify(task, diff, backend)
        if verdict.error:
            return verdict
        verdicts[judged] = verdict
    return verdicts[judged]


async def _verify(task: Task, diff: Diff, backend: Backend) -> Verdict:
    """The verdict; trouble of the infrastructure is tried again here, so that the agent's work is not lost to it."""
    verifier = get_verifier(task.verifier)
    for number in range(TRIES):
        try:
            async with asyncio.timeout(2 * task.verifier_timeout_sec + SET_UP_SEC):
                verdict = await verifier.verify(task, diff, backend)
        except BackendAway:
            raise
        except (EnvironmentFault, VerifierFault, TimeoutError) as fault:
            verdict = Verdict(reward=0.0, error=f"{type(fault).__name__}: {fault}")
        if not verdict.error or number + 1 == TRIES:
            return verdict
        await asyncio.sleep(0.5 * 2**number)
    raise AssertionError


def seed_of(key: RolloutKey) -> int:
    """From what is attempted, not from where: the same on every backend, and with pieces as without them."""
    agent = key.agent.partition("+")[0]
    text = "\x00".join((key.suite_hash, key.task_id, agent, key.model, str(key.attempt)))
    return int.from_bytes(sha256(text.encode()).digest()[:4], "big")


async def _act(
    attempt: Attempt, agent: Agent, session: RolloutSession, limits: AgentLimits, tools: ToolsConfig | None
) -> None:
    """Let the agent work; how it ended goes into the attempt. Infrastructure faults are raised."""
    limit = asyncio.timeout(limits.seconds + GRACE_SEC)
    try:
        async with limit:
            await session.open(tools)
            await agent.act(session)
    except Submitted:
        attempt.ending = "submitted"
    except LimitReached as reached:
        attempt.ending, attempt.detail = reached.reason, reached.detail
    except ModelAway:
        raise  # what the agent would have done is not known
    except ModelUnavailable as fault:
        attempt.ending, attempt.detail = "model_error", str(fault)
    except (EnvironmentFault, VerifierFault):
        raise
    except AgentFault as fault:
        attempt.ending, attempt.detail = "agent_error", str(fault)
    except Exception as error:  # noqa: BLE001  an agent of somebody else's may raise anything: its end, not ours
        if isinstance(error, TimeoutError) and limit.expired():
            attempt.ending, attempt.detail = "time_limit", f"{limits.seconds:g} s"
            return
        attempt.ending, attempt.detail = "agent_error", f"{type(error).__name__}: {error}"
