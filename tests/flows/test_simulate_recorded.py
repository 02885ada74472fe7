"""What a rollout did and how long each part took: as rollouts say it, and as it follows from older ones."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from agents.agent import AgentLimits, Session
from agents.rollout import roll_out
from environments import Backend
from flows.errors import UsageError
from flows.scale.recorded import read_recording, story_of
from tasks.task import Provenance, Task
from tasks.verdict import Verdict
from trajectories.atif import AgentInfo, Metrics, Step, ToolCall, Trajectory
from trajectories.rollout import Rollout, RolloutKey
from trajectories.store import open_store

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


class Busy:
    """Computes for about 0.3 s, then sleeps for 0.3 s."""

    name: ClassVar[str] = "busy"
    version: ClassVar[str] = "1"

    async def act(self, session: Session) -> None:
        loop = "python3 -c 'import time\nwhile time.process_time() < 0.3: pass'"
        await session.call("bash", {"command": loop})
        await session.call("bash", {"command": "sleep 0.3"})
        await session.call("submit", {})


async def test_a_real_rollout_says_where_its_time_went(tiny_task: Task, bubblewrap: Backend) -> None:
    key = RolloutKey(suite_hash="s", task_id=tiny_task.id, agent="busy", backend="bubblewrap")
    rollout = await roll_out(tiny_task, Busy(), bubblewrap, key=key, limits=AgentLimits(), model=None)
    story = story_of(rollout)
    computing, sleeping, submit = story.acts
    assert computing.tool_sec > 0.3 and sleeping.tool_sec > 0.3 and submit.tool_sec < 0.3
    assert story.start_sec > 0 and story.verify_sec > 0
    parts = sum(act.pause_sec + act.tool_sec for act in story.acts) + story.start_sec + story.end_sec
    assert parts == pytest.approx(rollout.agent_sec, abs=0.02)
    assert story.cpu_share is not None
    assert 0.25 <= story.cpu_share * (computing.tool_sec + sleeping.tool_sec + submit.tool_sec) < 0.6

    older = story_of(without_phases(rollout))
    assert older.cpu_share is None
    assert older.start_sec == pytest.approx(story.start_sec, abs=0.05)
    assert [act.tool_sec for act in older.acts] == pytest.approx([act.tool_sec for act in story.acts], abs=0.1)


def without_phases(rollout: Rollout) -> Rollout:
    """As it was recorded before tools and phases were timed."""
    trajectory = rollout.trajectory
    steps = tuple(step.model_copy(update={"extra": None}) for step in trajectory.steps)
    extra = {name: value for name, value in (trajectory.extra or {}).items() if name != "phases"}
    return rollout.model_copy(update={"trajectory": trajectory.model_copy(update={"steps": steps, "extra": extra})})


def step(number: int, at_sec: float, tokens: tuple[int, int] | None = None, tool_sec: float | None = None) -> Step:
    return Step(
        step_id=number,
        timestamp=(BEGAN + timedelta(seconds=at_sec)).isoformat(),
        source="agent" if tokens else "user",
        tool_calls=(ToolCall(tool_call_id="c", function_name="bash"),) if tokens else None,
        metrics=Metrics(prompt_tokens=tokens[0], completion_tokens=tokens[1]) if tokens else None,
        extra=None if tool_sec is None else {"seconds": tool_sec},
    )


def rollout_of(steps: Sequence[Step], **fields: Any) -> Rollout:
    values = {"agent_sec": 12.0, "verifier_sec": 2.0, "total_sec": 14.5, **fields}
    return Rollout(
        key=RolloutKey(suite_hash="s", task_id=values.pop("task_id", "t"), agent="react", backend="none"),
        seed=1,
        ending=values.pop("ending", "submitted"),
        verdict=Verdict(reward=1.0),
        trajectory=Trajectory(session_id="x-0", agent=AgentInfo(name="react", version="1"), steps=tuple(steps)),
        started_at=BEGAN.isoformat(),
        **values,
    )


def test_answers_of_a_model_are_told_from_tools() -> None:
    steps = [step(1, 1), step(2, 3, (100, 20), 0.5), step(3, 8, (200, 30), 2.0), step(4, 11, (50, 5), 0.0)]
    story = story_of(rollout_of(steps))
    assert story.start_sec == 1.0
    calls = [act.call for act in story.acts]
    assert [(call.prompt, call.earlier, call.answer) for call in calls if call] == [
        (100, 0, 20),
        (200, 120, 30),
        (50, 0, 5),  # shorter than before: written anew
    ]
    assert [call.seconds for call in calls if call] == pytest.approx([2.0, 4.5, 1.0])
    assert [act.tool_sec for act in story.acts] == [0.5, 2.0, 0.0]
    assert (story.end_sec, story.verify_sec, story.other_sec) == pytest.approx((1.0, 2.0, 0.5))
    assert story.is_split


def test_where_tools_were_not_timed_the_model_gets_it_all() -> None:
    story = story_of(rollout_of([step(1, 1), step(2, 3, (100, 20)), step(3, 8, (200, 30))]))
    assert not story.is_split
    assert [act.call.seconds for act in story.acts if act.call] == pytest.approx([2.0, 5.0])
    assert [act.tool_sec for act in story.acts] == pytest.approx([0.0, 4.0])  # the last: until the agent's end


def test_a_recording_is_a_sample_of_what_the_filter_accepts(tmp_path: Path) -> None:
    steps = [step(1, 1), step(2, 3, (100, 20), 0.5)]
    with open_store(tmp_path) as store:
        with pytest.raises(UsageError, match="it holds none"):
            read_recording(store, "", most=10, seed=0)
        store.register_suite(
            hash="s",
            name="s",
            version="1",
            tasks=[(str(n), "f", Provenance(source="x", source_hash="", license="", repository="r")) for n in range(9)],
        )
        for number in range(9):
            ending = "infrastructure_error" if number == 8 else "submitted"
            store.record(rollout_of(steps, task_id=str(number), ending=ending))
        recording = read_recording(store, "agent = 'react'", most=5, seed=0)
        assert (recording.count, len(recording.stories)) == (8, 5)
        assert recording.at_a_time == pytest.approx(8.0)  # all began together
        assert all(story.body_bytes > 0 for story in recording.stories)
        assert recording.stories == read_recording(store, "agent = 'react'", most=5, seed=0).stories
        with pytest.raises(UsageError, match="accepts none"):
            read_recording(store, "agent = 'nobody'", most=5, seed=0)
