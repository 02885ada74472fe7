"""What a server rendered, against what the rows hold: the same tokens, or a sentence about where they part."""

from pathlib import Path
from typing import Any

import pytest

from agents.training.errors import TrainingFault
from agents.training.prompts import check_prompts
from tasks.verdict import Verdict
from trajectories.atif import (
    AgentInfo,
    FinalMetrics,
    Metrics,
    Observation,
    ObservationResult,
    Step,
    ToolCall,
    Trajectory,
)
from trajectories.rollout import Rollout, RolloutKey
from trajectories.store import Store, open_store


class Words:
    """A tokenizer as far as it is asked here: each word a token, each message `<role> text`."""

    def apply_chat_template(
        self, messages: list[dict[str, Any]], *, tokenize: bool, add_generation_prompt: bool
    ) -> str:
        told = " ".join(f"<{message['role']}> {message['content']}" for message in messages)
        return f"{told} <assistant>" if add_generation_prompt else told

    def __call__(self, text: str, *, add_special_tokens: bool) -> dict[str, list[int]]:
        return {"input_ids": [hash(word) for word in text.split()]}


def a_rollout(prompts: list[str], *, invalid: int = 0, counted: int | None = None) -> Rollout:
    """Says something twice, its server having told these prompts, and how many tokens each had."""
    steps = [Step(step_id=1, timestamp="2026-01-01T00:00:00+00:00", source="user", message="Do it.")]
    for number, prompt in enumerate(prompts):
        call = ToolCall(tool_call_id=f"c{number}", function_name="read", arguments={"path": "a"})
        steps.append(
            Step(
                step_id=number + 2,
                timestamp="2026-01-01T00:00:00+00:00",
                source="agent",
                message="",
                tool_calls=(call,),
                observation=Observation(results=(ObservationResult(source_call_id=call.tool_call_id, content="x"),)),
                metrics=Metrics(extra={"prompt": prompt}, prompt_tokens=counted),
            )
        )
    return Rollout(
        key=RolloutKey(suite_hash="s", task_id="t", agent="react", model="m", backend="bubblewrap"),
        seed=0,
        ending="submitted",
        verdict=Verdict(reward=1.0),
        trajectory=Trajectory(
            session_id="x",
            agent=AgentInfo(name="react", version="1", model_name="m"),
            steps=tuple(steps),
            final_metrics=FinalMetrics(),
        ),
        started_at="2026-01-01T00:00:00+00:00",
        agent_sec=1,
        verifier_sec=1,
        total_sec=2,
        invalid_tool_calls=invalid,
    )


FIRST = "<user> Do it. <assistant>"
SECOND = (
    '<user> Do it. <assistant> {"thought": "", "tool": "read", "arguments": {"path": "a"}} <user> Result: x <assistant>'
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "store")


def test_every_call_of_an_honest_rollout_is_compared(store: Store) -> None:
    store.record(a_rollout([FIRST, SECOND]))
    found = check_prompts(store, "model = 'm'", Words(), calls="json")
    assert (found.compared, found.differing) == (2, 0)


def test_a_prompt_that_the_row_does_not_hold_is_told(store: Store) -> None:
    store.record(a_rollout([f"<system> Mend software. {FIRST}", SECOND]))
    found = check_prompts(store, "model = 'm'", Words(), calls="json")
    assert (found.compared, found.differing) == (2, 1)
    assert "call 1: the server had 'system> Mend software." in found.first_difference


def test_a_server_that_splits_the_same_text_otherwise_is_told(store: Store) -> None:
    store.record(a_rollout([FIRST], counted=5))
    found = check_prompts(store, "model = 'm'", Words(), calls="json")
    assert (found.compared, found.differing) == (1, 1)
    assert "the server counts 5 tokens, the row's tokenizer 4" in found.first_difference


def test_after_a_malformed_call_only_the_first_prompt_counts(store: Store) -> None:
    store.record(a_rollout([FIRST, "<user> Do it. <assistant> {broken"], invalid=1))
    found = check_prompts(store, "model = 'm'", Words(), calls="json")
    assert (found.compared, found.differing) == (1, 0)


def test_without_any_prompt_nothing_is_claimed(store: Store) -> None:
    with pytest.raises(TrainingFault, match="nothing can be compared"):
        check_prompts(store, "model = 'm'", Words(), calls="json")
