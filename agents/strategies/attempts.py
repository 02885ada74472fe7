"""Several attempts within one rollout, each in a sandbox of its own, and what becomes of the one that is chosen.

Within one rollout, not afterwards among several: so the choice is part of what is judged, its cost is on the rollout,
and the limits hold for all attempts together. They are made one after the other, since a rollout has one slot.
"""

from dataclasses import dataclass
from hashlib import sha256

from agents.agent import AgentLimits, LimitReached, Submitted
from agents.errors import AgentFault, ModelAway
from agents.memory.errors import PieceFault
from agents.memory.piece import Act
from agents.recorder import Recorder
from agents.session import RolloutSession
from agents.tools.tool import Place
from environments.diff import Diff
from environments.errors import EnvironmentFault
from environments.sandbox import running
from tasks import VerifierFault, apply_diff, run_visible_tests
from trajectories.atif import Metrics, Step
from trajectories.rollout import Ending


@dataclass(frozen=True)
class Tried:
    """One attempt. `tests`: (passed, all) of the visible tests on its change; None where there are none to see."""

    number: int
    seed: int
    ending: Ending
    detail: str
    diff: Diff
    steps: tuple[Step, ...]
    tests: tuple[int, int] | None
    end: Exception | None
    """What ended it; raised again where it is chosen, so that the rollout ends as the attempt did."""


async def try_often(inner: Act, session: RolloutSession, n: int, *, is_testing: bool) -> list[Tried]:
    """`n` attempts, fewer where the rollout's limits are used up. Raises EnvironmentFault, VerifierFault.

    The first has the rollout's own seed: it is the attempt that would have been made without the piece. `is_testing`:
    run the visible tests on each change, as the agent may do too.
    """
    tried: list[Tried] = []
    for number in range(n):
        limits = share_of(session, n - number)
        if limits is None:
            break
        tried.append(await _try(inner, session, number, limits, is_testing=is_testing))
    return tried


def share_of(session: RolloutSession, parts: int) -> AgentLimits | None:
    """An even part of what is left of each limit; None where one is used up."""
    recorder, limits = session.recorder, session.limits
    steps = (limits.steps - session.steps) // parts
    tokens = (limits.tokens - recorder.prompt_tokens - recorder.completion_tokens) // parts
    cost = (limits.cost_usd - recorder.cost_usd) / parts
    seconds = session.seconds_left / parts
    if steps < 1 or tokens < 1 or cost <= 0 or seconds <= 0:
        return None
    return limits.model_copy(update={"steps": steps, "tokens": tokens, "cost_usd": cost, "seconds": seconds})


def seed_of_attempt(seed: int, number: int) -> int:
    """The rollout's own for the first, others that derive from it for the rest."""
    return seed if number == 0 else int.from_bytes(sha256(f"{seed} {number}".encode()).digest()[:4], "big")


async def _try(inner: Act, session: RolloutSession, number: int, limits: AgentLimits, *, is_testing: bool) -> Tried:
    outer = session.place
    seed = seed_of_attempt(session.seed, number)
    recorder = Recorder(session_id=f"{session.recorder.session_id}.{number}")
    async with running(outer.backend, outer.sandbox.spec) as sandbox:
        place = Place(sandbox, outer.backend, outer.task)
        child = session.branch(place=place, seed=seed, limits=limits, recorder=recorder)
        ending, detail, end = await _ending_of(inner, child)
        await place.close()
        diff = await sandbox.diff()
    session.join(child)
    session.recorder.spend(
        Metrics(
            prompt_tokens=recorder.prompt_tokens,
            completion_tokens=recorder.completion_tokens,
            cost_usd=recorder.cost_usd,
        )
    )
    tests = await _visible(session, diff) if is_testing else None
    return Tried(number, seed, ending, detail, diff, recorder.steps, tests, end)


async def _ending_of(inner: Act, child: RolloutSession) -> tuple[Ending, str, Exception | None]:
    try:
        await inner(child)
    except Submitted as end:
        return "submitted", "", end
    except LimitReached as end:
        return end.reason, end.detail, end
    except (EnvironmentFault, VerifierFault, ModelAway):
        raise
    except AgentFault as end:
        return "agent_error", str(end), end
    except Exception as end:  # noqa: BLE001  an agent may raise anything: the end of this attempt alone
        return "agent_error", f"{type(end).__name__}: {end}", end
    return "finished", "", None


async def _visible(session: RolloutSession, diff: Diff) -> tuple[int, int] | None:
    task = session.place.task
    if task.verifier != "pytest" or (task.tools and "run_tests" not in task.tools):
        return None
    report = await run_visible_tests(task, diff, session.place.backend)
    passed = sum(result.outcome == "passed" for result in report.results)
    return passed, max(len(report.results), len(report.collected))


async def hand_in(session: RolloutSession, tried: list[Tried], chosen: Tried, why: dict[str, object]) -> None:
    """Make the chosen attempt the rollout's own: its change, its steps, its end. Raises what had ended it.

    What the others came to is kept in the trajectory's `extra.attempts`.
    """
    recorder = session.recorder
    recorder.extra["attempts"] = [
        {
            "number": each.number,
            "seed": each.seed,
            "ending": each.ending,
            "detail": each.detail[:300],
            "steps": len(each.steps),
            "paths": list(each.diff.paths),
            "tests": each.tests,
            "is_chosen": each is chosen,
        }
        for each in tried
    ]
    recorder.extra["choice"] = why
    recorder.take_over(chosen.steps[1:])  # the first is the instruction, which stands there already
    await apply_diff(session.place.sandbox, chosen.diff)
    if chosen.end is not None:
        raise chosen.end


def nothing_tried(piece: str) -> PieceFault:
    return PieceFault(f"{piece}: the rollout's limits leave no room for one attempt; raise --steps or --seconds")
