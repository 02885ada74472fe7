"""What one rollout did and how long each part took, read from the store.

Newer rollouts say it themselves: `phases` of the trajectory, `seconds` of each step (agents/rollout.py). For older
ones it follows from the steps' times, but for one thing: between two answers of a model lie the tool's time and the
model's, and which is which was not kept. All of it counts as the model's then, and `is_split` says so.
"""

import heapq
import random
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flows.errors import UsageError
from trajectories.atif import Step
from trajectories.rollout import Rollout
from trajectories.store import Store
from trajectories.tables import RolloutRow


@dataclass(frozen=True, slots=True)
class Call:
    """One answer of a model."""

    prompt: int  # tokens
    earlier: int  # of them, those that stood in the call before or its answer
    answer: int  # tokens
    seconds: float


@dataclass(frozen=True, slots=True)
class Act:
    """One step of the agent: a pause or a model's answer, then its tools."""

    pause_sec: float
    call: Call | None
    tool_sec: float


@dataclass(frozen=True, slots=True)
class Story:
    """One recorded rollout. Seconds of the wall clock."""

    id: str
    start_sec: float  # of the agent's sandbox
    acts: tuple[Act, ...]
    end_sec: float  # diff, sandbox down
    verify_sec: float  # a sandbox of its own included
    other_sec: float
    cpu_share: float | None  # of the tools' time that was computing; may be above 1: several cores. None: not known
    body_bytes: int
    is_split: bool


@dataclass(frozen=True, slots=True)
class Recording:
    """What is simulated from: all rollouts that were asked for, or some of them drawn at random."""

    stories: tuple[Story, ...]
    count: int  # of rollouts that they were drawn from
    at_a_time: float  # how many of those ran together, on average

    @property
    def unsplit(self) -> int:
        """Stories in which the tools' time counts as the model's."""
        return sum(not story.is_split for story in self.stories)

    @property
    def without_cpu(self) -> int:
        """Stories that do not say how much of the tools' time was computing."""
        return sum(story.cpu_share is None for story in self.stories)


def read_recording(store: Store, where: str, *, most: int, seed: int) -> Recording:
    """Of the rollouts that `where` accepts and whose outcome is known.

    Raises BadFilter, UsageError where there are none.
    """
    chance, kept = random.Random(seed), list[tuple[float, str, RolloutRow]]()
    began, took = array("d"), array("d")
    for row in store.rollouts(where):
        if row.is_unknown:
            continue
        began.append(row.started_at.timestamp())
        took.append(row.total_sec)
        entry = (chance.random(), row.id, row)  # a uniform sample in one pass: the largest numbers stay
        if len(kept) < most:
            heapq.heappush(kept, entry)
        elif entry > kept[0]:
            heapq.heapreplace(kept, entry)
    if not kept:
        what = f"--where {where!r} accepts none" if where else "it holds none"
        raise UsageError(f"no recorded rollouts to simulate from: {what}; `gristmill show rollouts` lists them")
    rows = [row for _, _, row in sorted(kept, key=lambda entry: entry[1])]
    return Recording(
        stories=tuple(story_of(store.body(row), body_bytes=row.body_length) for row in rows),
        count=len(took),
        at_a_time=_at_a_time(began, took),
    )


def _at_a_time(began: Sequence[float], took: Sequence[float]) -> float:
    """Mean number of rollouts that run, over the time in which any does."""
    covered, until = 0.0, float("-inf")
    for start, seconds in sorted(zip(began, took, strict=True)):
        covered += max(0.0, start + seconds - max(start, until))
        until = max(until, start + seconds)
    return sum(took) / covered if covered else 0.0


def story_of(rollout: Rollout, *, body_bytes: int = 0) -> Story:
    trajectory = rollout.trajectory
    phases: dict[str, float] = (trajectory.extra or {}).get("phases") or {}
    began = datetime.fromisoformat(rollout.started_at).timestamp()
    first = next((_moment(step) for step in trajectory.steps if step.timestamp), began)
    # A rollout that was tried again began before its last try did.
    is_first_try = "phases" in (trajectory.extra or {}) or trajectory.session_id.endswith("-0")
    start_sec = phases.get("start", _within(first - began, rollout.agent_sec) if is_first_try else 0.0)
    acts, is_split = _acts(trajectory.steps, first, end=first + phases.get("act", rollout.agent_sec - start_sec))
    acted = sum(act.pause_sec + act.tool_sec + (act.call.seconds if act.call else 0.0) for act in acts)
    tools = sum(act.tool_sec for act in acts)
    cpu = phases.get("cpu")
    return Story(
        id=rollout.key.id,
        start_sec=start_sec,
        acts=acts,
        end_sec=max(0.0, rollout.agent_sec - start_sec - acted),
        verify_sec=rollout.verifier_sec,
        other_sec=max(0.0, rollout.total_sec - rollout.agent_sec - rollout.verifier_sec),
        cpu_share=cpu / tools if cpu is not None and tools > 0 else None,
        body_bytes=body_bytes,
        is_split=is_split,
    )


def _acts(steps: tuple[Step, ...], first: float, *, end: float) -> tuple[tuple[Act, ...], bool]:
    """What the agent did, and whether tools and model could be told apart. `end`: of its acting."""
    acts: list[Act] = []
    before, known, is_split = first, 0, True
    timed = [step for step in steps if step.source == "agent" and step.timestamp]
    for step, following in zip(timed, [*timed[1:], None], strict=True):
        moment, seconds = _moment(step), (step.extra or {}).get("seconds")
        waited = max(0.0, moment - before)
        call: Call | None = None
        metrics = step.metrics
        if metrics and (metrics.prompt_tokens or metrics.completion_tokens):
            prompt, answer = metrics.prompt_tokens or 0, metrics.completion_tokens or 0
            earlier = known if prompt >= known else 0  # a shorter prompt was written anew
            call, known = Call(prompt, earlier, answer, waited), prompt + answer
        if not step.tool_calls:
            tool_sec = 0.0
        elif isinstance(seconds, int | float):
            tool_sec = float(seconds)
        elif call is not None and following is not None:
            tool_sec, is_split = 0.0, False
        else:
            tool_sec = max(0.0, (_moment(following) if following else end) - moment)
        acts.append(Act(0.0 if call else waited, call, tool_sec))
        before = moment + tool_sec
    return tuple(acts), is_split


def _moment(step: Step) -> float:
    """Seconds of the epoch."""
    assert step.timestamp is not None
    return datetime.fromisoformat(step.timestamp).timestamp()


def _within(seconds: float, most: float) -> float:
    return max(0.0, min(seconds, most))
