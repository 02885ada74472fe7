"""A rollout's JSON is what pydantic writes, whatever stands in it."""

from datetime import UTC, datetime
from enum import Enum
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import PydanticSerializationError

from tests.trajectories.conftest import make_rollout
from trajectories.atif import Metrics, Observation, ObservationResult, Step, ToolCall
from trajectories.dumping import json_line
from trajectories.rollout import Rollout


def with_step(**fields: Any) -> Rollout:
    rollout = make_rollout("t1")
    step = Step(step_id=1, source="agent", **fields)
    return rollout.model_copy(update={"trajectory": rollout.trajectory.model_copy(update={"steps": (step,)})})


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(TEXTS, st.dictionaries(TEXTS, PLAIN, max_size=3), st.lists(st.floats(), max_size=3), st.floats(0, 1e300))
def test_it_is_what_pydantic_writes(text: str, free: dict[str, Any], numbers: list[float], cost: float) -> None:
    rollout = with_step(
        message=text,
        tool_calls=(ToolCall(tool_call_id="c", function_name=text, arguments=free),),
        observation=Observation(results=(ObservationResult(content=[free]),)),
        metrics=Metrics(cost_usd=cost, logprobs=tuple(numbers), prompt_token_ids=(1, 2)),
        extra=free,
        unknown_field=free,  # kept and written back
    )
    assert json_line(rollout) == rollout.model_dump_json().encode() + b"\n"


class Colour(Enum):
    RED = "red"


class Words(dict[str, int]):
    pass


@pytest.mark.parametrize(
    "odd",
    [
        datetime(2026, 1, 2, tzinfo=UTC),
        Path("/a"),
        b"bytes",
        {1: "a key that is no text"},
        {None: 1},
        {"a", "b"}.intersection("a"),
        Colour.RED,
        Words(a=1),
        (1, (2,)),
        [nan, inf, -inf, -0.0, 1e16, 1e22, 5e-324, 1e-7],
    ],
    ids=repr,
)
def test_what_json_does_not_know_is_written_as_pydantic_writes_it(odd: object) -> None:
    rollout = with_step(extra={"odd": odd})
    assert json_line(rollout) == rollout.model_dump_json().encode() + b"\n"


def test_what_nobody_can_write_is_refused() -> None:
    with pytest.raises(PydanticSerializationError):
        json_line(with_step(message="half a character: \ud800"))
