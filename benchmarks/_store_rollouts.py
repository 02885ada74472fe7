"""Made-up rollouts for benchmarks/store.py: texts cut from Python's standard library compress as real ones do."""

import random
import sysconfig
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tasks.verdict import Check, Verdict
from trajectories.atif import AgentInfo, Metrics, Observation, ObservationResult, Step, ToolCall, Trajectory
from trajectories.rollout import Rollout, RolloutKey

POOL = 600
"""More than a row group of the export holds, so that no text stands in one twice."""
ATTEMPTS = 8
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
TOOL = {"type": "function", "function": {"name": "bash", "parameters": {"type": "object", "properties": {}}}}


def make_pool(steps: int) -> list[Rollout]:
    """The same ones at each call."""
    folder, chance = Path(sysconfig.get_paths()["stdlib"]), random.Random(0)
    texts = "".join(path.read_text(errors="ignore") for path in sorted(folder.glob("*.py")))

    def cut(least: int, most: int) -> str:
        length = chance.randrange(least, most)
        start = chance.randrange(len(texts) - length)
        return texts[start : start + length]

    def step(number: int) -> Step:
        call = ToolCall(tool_call_id=f"c{number}", function_name="bash", arguments={"command": cut(20, 120)})
        result = ObservationResult(source_call_id=call.tool_call_id, content=cut(100, 2500))
        return Step(
            step_id=number + 2,
            source="agent",
            message=cut(50, 300),
            tool_calls=(call,),
            observation=Observation(results=(result,)),
            metrics=Metrics(prompt_tokens=1000, completion_tokens=80),
        )

    def rollout(number: int) -> Rollout:
        opening = Step(step_id=1, source="user", message=cut(400, 1200))
        agent = AgentInfo(name="react", version="1", model_name="m", tool_definitions=(TOOL,))
        trajectory = Trajectory(session_id="s", agent=agent, steps=(opening, *map(step, range(steps))))
        return Rollout(
            key=RolloutKey(suite_hash="suite", task_id="", agent="react", model="m", backend="none"),
            seed=number,
            ending="submitted",
            verdict=Verdict(reward=1.0, checks=(Check(name="t", passed=True),)),
            trajectory=trajectory,
            started_at="2026-01-01T00:00:00+00:00",
            agent_sec=60.0,
            verifier_sec=5.0,
            total_sec=65.0,
            provenance={"repository": f"repository-{number % 20}", "license": "MIT"},
        )

    return [rollout(number) for number in range(POOL)]


def rollouts(pool: list[Rollout], start: int, end: int) -> Iterator[Rollout]:
    """Those of these numbers, each with a key of its own; `ATTEMPTS` a task. One starts 7 s after the other."""
    for number in range(start, end):
        one = pool[number % POOL]
        changes = {"task_id": f"task-{number // ATTEMPTS:07}", "attempt": number % ATTEMPTS}
        started_at = (FIRST + timedelta(seconds=7 * number)).isoformat()
        yield one.model_copy(update={"key": one.key.model_copy(update=changes), "started_at": started_at})
