"""ATIF, the Agent Trajectory Interchange Format, v1.8: the full record of a rollout as plain data.

Source: Harbor's RFC 0001 (trajectory format). Field names are the format's; `extra` objects are free.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = "ATIF-v1.8"


class AtifModel(BaseModel):
    """Fields that this version does not know are kept and written back."""

    model_config = ConfigDict(frozen=True, extra="allow")


class ToolCall(AtifModel):
    tool_call_id: str
    function_name: str
    arguments: dict[str, Any] = Field(default_factory=dict)


class ObservationResult(AtifModel):
    source_call_id: str | None = None
    content: str | list[dict[str, Any]] | None = None


class Observation(AtifModel):
    results: tuple[ObservationResult, ...] = ()


class Metrics(AtifModel):
    """Of one model call. Costs in US dollars."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    cost_usd: float | None = None
    prompt_token_ids: tuple[int, ...] | None = None
    completion_token_ids: tuple[int, ...] | None = None
    logprobs: tuple[float, ...] | None = None
    extra: dict[str, Any] | None = None


class Step(AtifModel):
    """One message; `step_id` counts from 1; `timestamp` is ISO 8601 in UTC."""

    step_id: int
    timestamp: str | None = None
    source: Literal["system", "user", "agent"]
    model_name: str | None = None
    message: str | list[dict[str, Any]] = ""
    reasoning_content: str | None = None
    tool_calls: tuple[ToolCall, ...] | None = None
    observation: Observation | None = None
    metrics: Metrics | None = None
    extra: dict[str, Any] | None = None


class AgentInfo(AtifModel):
    name: str
    version: str
    model_name: str | None = None
    tool_definitions: tuple[dict[str, Any], ...] | None = None
    extra: dict[str, Any] | None = None


class FinalMetrics(AtifModel):
    total_prompt_tokens: int | None = None
    total_completion_tokens: int | None = None
    total_cached_tokens: int | None = None
    total_cost_usd: float | None = None
    total_steps: int | None = None
    extra: dict[str, Any] | None = None


class Trajectory(AtifModel):
    schema_version: str = SCHEMA_VERSION
    session_id: str
    trajectory_id: str | None = None
    agent: AgentInfo
    steps: tuple[Step, ...] = ()
    notes: str | None = None
    final_metrics: FinalMetrics | None = None
    extra: dict[str, Any] | None = None
