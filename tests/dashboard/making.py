"""Rollouts to look at: a long one, and one whose agent writes what would harm a careless page."""

from datetime import UTC, datetime, timedelta

from tasks.verdict import Check, Verdict
from tests.trajectories.conftest import make_rollout
from trajectories.atif import AgentInfo, Metrics, Observation, ObservationResult, Step, ToolCall, Trajectory
from trajectories.rollout import Attempt, Rollout

START = datetime(2026, 11, 1, tzinfo=UTC)
HOSTILE = (
    '</pre></script></style><script>window.owned=1</script><img src=x onerror="window.owned=2">'
    '<svg onload=window.owned=3></svg><a href="javascript:window.owned=4" id="steps">x</a>{{ 7*7 }}<!--'
)
DIFF = """diff --git a/a.py b/a.py
index 1111111..2222222 100644
--- a/a.py
+++ b/a.py
@@ -1,2 +1,2 @@
 same
-before
+after
"""


def agent_step(number: int, *, word: str = "", command: str = "ls", output: str = "a.py", **changes: object) -> Step:
    """One call of bash with everything that a step may have."""
    fields: dict[str, object] = {
        "step_id": number,
        "timestamp": (START + timedelta(seconds=10 * number)).isoformat(),
        "source": "agent",
        "message": f"message {number}{word}",
        "reasoning_content": f"reasoning {number}{word}",
        "tool_calls": (ToolCall(tool_call_id=f"c{number}", function_name="bash", arguments={"command": command}),),
        "observation": Observation(results=(ObservationResult(source_call_id=f"c{number}", content=output),)),
        "metrics": Metrics(prompt_tokens=100, completion_tokens=10, cost_usd=0.25),
        "extra": {"finish_reason": f"stop{word}"},
    }
    return Step.model_validate(fields | changes)


def rollout_of(task: str, steps: tuple[Step, ...], **changes: object) -> Rollout:
    first = Step(step_id=1, timestamp=START.isoformat(), source="user", message="Mend it.")
    trajectory = Trajectory(session_id=task, agent=AgentInfo(name="react", version="1"), steps=(first, *steps))
    return make_rollout(task, **{"trajectory": trajectory, "diff": DIFF, **changes})


def long_rollout(task: str, steps: int) -> Rollout:
    """Step 7 of each thousand holds the word `needle`."""
    return rollout_of(
        task,
        tuple(
            agent_step(
                number, command=f"sed -n {number}p a.py", output=("needle " if number % 1000 == 7 else "") + "x " * 200
            )
            for number in range(2, steps + 1)
        ),
    )


def hostile_rollout(task: str) -> Rollout:
    """Every text that an agent, a model or a test can write holds HOSTILE."""
    step = agent_step(2, word=HOSTILE, command=HOSTILE, output=HOSTILE, model_name=HOSTILE)
    odd = ToolCall(tool_call_id="c3", function_name=HOSTILE, arguments={HOSTILE: {"deep": HOSTILE}})
    other = agent_step(3, tool_calls=(odd,), observation=Observation(results=(ObservationResult(content=HOSTILE),)))
    verdict = Verdict(
        reward=0.0,
        checks=(Check(name=HOSTILE, passed=False, detail=HOSTILE), Check(name=HOSTILE, passed=True, detail=HOSTILE)),
        evidence=HOSTILE,
        dropped_paths=(HOSTILE,),
    )
    return rollout_of(
        task,
        (step, other),
        verdict=verdict,
        reward=0.0,
        ending_detail=HOSTILE,
        diff=DIFF.replace("after", HOSTILE).replace("a.py", "<b>.py"),
        attempts=(Attempt(kind="test-edit", step_id=2, evidence=HOSTILE[:300]),),
        model=HOSTILE,
    )
