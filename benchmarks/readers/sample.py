"""A few rollouts with all that a trainer may trip over, and what each of them is expected to be read as."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tasks.verdict import Check, Verdict
from trajectories.atif import AgentInfo, Metrics, Observation, ObservationResult, Step, ToolCall, Trajectory
from trajectories.exports.exporter import Example
from trajectories.rollout import Rollout, RolloutKey
from trajectories.store import Store, open_store
from trajectories.text_calls import as_text

TASKS = 3
REWARDS = (1.0, 1.0, 0.0, 0.5)


def _tool(name: str, description: str, *properties: str) -> dict[str, Any]:
    parameters = {
        "type": "object",
        "properties": {each: {"type": "string", "description": f"the {each}"} for each in properties},
        "required": list(properties[:1]),
    }
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


TOOLS = (_tool("bash", "Run a command", "command"), _tool("edit", "Change a file", "path", "old", "new"))


def make_store(folder: Path) -> Store:
    """Three tasks, each solved twice and failed twice."""
    store = open_store(folder)
    for task in range(TASKS):
        for attempt, reward in enumerate(REWARDS):
            store.record(_rollout(task, attempt, reward))
    return store


def _rollout(task: int, attempt: int, reward: float) -> Rollout:
    mark = f"{task}-{attempt}"
    steps = (
        Step(step_id=1, source="system", message="You mend software."),
        Step(step_id=2, source="user", message=f"Mend task {task}: the parser “loses” a < b && c."),
        _act(3, f"I look at {mark}.", ("bash", {"command": f"ls {mark}"}, "a.py\nb.py")),
        # No word before the call; arguments with lines, quotes, marks that templates use, and no ASCII.
        _act(
            4, "", ("edit", {"path": "a.py", "old": 'x = "é"\n', "new": "if a < b:\n    y = {'k': 1}\n"}, f"ok {mark}")
        ),
        # Two calls at once, answered the other way round.
        _act(
            5,
            "Both at once.",
            ("bash", {"command": "cat a.py"}, "read a.py"),
            ("bash", {"command": "cat b.py"}, "read b.py"),
            is_turned=True,
        ),
        _act(6, f"It is mended: {mark}."),
        Step(step_id=7, source="user", message="Are you sure?"),
        _act(8, "One more look.", ("bash", {"command": "make test"}, f"3 passed {mark}")),
        _act(9, f"Yes. {mark} {'Done. ' * attempt}".strip()),
    )
    trajectory = Trajectory(
        session_id=mark,
        agent=AgentInfo(name="react", version="1", model_name="m", tool_definitions=TOOLS),
        steps=steps,
    )
    checks = (Check(name="a", passed=reward > 0), Check(name="b", passed=reward >= 1))
    return Rollout(
        key=RolloutKey(
            suite_hash="suite", task_id=f"t{task}", agent="react", model="m", backend="bubblewrap", attempt=attempt
        ),
        seed=1,
        ending="submitted",
        verdict=Verdict(reward=reward, checks=checks),
        trajectory=trajectory,
        started_at="2026-01-01T00:00:00+00:00",
        agent_sec=1.0,
        verifier_sec=1.0,
        total_sec=2.0,
        prompt_tokens=20,
        completion_tokens=10 + attempt,
        provenance={"repository": f"r{task}", "license": "MIT"},
    )


def _act(number: int, said: str, *calls: tuple[str, dict[str, str], str], is_turned: bool = False) -> Step:
    results = [
        ObservationResult(source_call_id=f"c{number}{at}", content=text) for at, (_, _, text) in enumerate(calls)
    ]
    return Step(
        step_id=number,
        source="agent",
        message=said,
        tool_calls=tuple(
            ToolCall(tool_call_id=f"c{number}{at}", function_name=name, arguments=arguments)
            for at, (name, arguments, _) in enumerate(calls)
        )
        or None,
        observation=Observation(results=tuple(results[::-1] if is_turned else results)) if calls else None,
        metrics=Metrics(prompt_tokens=10, completion_tokens=5),
    )


def expected(example: Example, *, is_text: bool = False) -> dict[str, Any]:
    """What a reading of the conversation must have: `turns` (text and calls that are learned), `given` (all others).

    is_text: tools and calls are JSON text, and neighbours of one side are one turn.
    """
    if is_text and example.tools:
        said, given = _sides(as_text(example.messages, example.tools))
        return {"turns": [{"text": text, "calls": []} for text in said], "given": given, "tools": []}
    return {
        "turns": [_turn(message) for message in example.messages if message["role"] == "assistant"],
        "given": [message["content"] for message in example.messages if message["role"] != "assistant"],
        "tools": [tool["function"]["name"] for tool in example.tools],
    }


def expected_step(row: dict[str, Any]) -> dict[str, Any]:
    """The same for a row of `steps`: its completion is learned, and what was said before it is not."""
    return {
        "turns": [_turn(message) for message in row["completion"]],
        "given": [message["content"] for message in row["prompt"]],
        "tools": [tool["function"]["name"] for tool in row["tools"]],
    }


def _turn(message: dict[str, Any]) -> dict[str, Any]:
    return {"text": message["content"], "calls": [call["function"] for call in message.get("tool_calls", ())]}


def _sides(messages: Sequence[dict[str, Any]]) -> tuple[list[str], list[str]]:
    said: list[str] = []
    given: list[str] = []
    before = ""
    for message in messages:
        is_said = message["role"] == "assistant"
        if is_said and before == "assistant":
            said[-1] += f"\n\n{message['content']}"
        else:
            (said if is_said else given).append(message["content"])
        before = message["role"]
    return said, given
