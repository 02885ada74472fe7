"""Rollouts as OpenTelemetry spans: a line of OTLP JSON each, by the semantic conventions for generative AI.

`invoke_agent` over all, under it a `chat` for each message of the agent and an `execute_tool` for each call; the reward
is a `gen_ai.evaluation.result` event. A trajectory knows one time a step: there its `chat` ends and its tools stand.
Sources: OpenTelemetry's semantic-conventions-genai (agent spans, tool execution, events) and OTLP's JSON encoding. A
collector reads the file (`otlpjsonfile` receiver), or takes a line by `POST /v1/traces`.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from trajectories.atif import ObservationResult, Step, ToolCall
from trajectories.rollout import Rollout

INTERNAL, CLIENT = 1, 3
ERROR = 2
_ROLES = {"system": "system", "user": "user", "agent": "assistant"}


def to_otlp(rollout: Rollout, *, has_content: bool = False) -> dict[str, Any]:
    """One rollout as one trace, the object of a line.

    has_content: with messages, arguments and results (the conventions leave them out unless they are asked for).
    """
    resource = _attributes({"service.name": "gristmill"})
    scope = {"name": "gristmill", "version": rollout.trajectory.schema_version}
    spans = list(_spans(rollout, has_content))
    return {"resourceSpans": [{"resource": {"attributes": resource}, "scopeSpans": [{"scope": scope, "spans": spans}]}]}


def otlp_lines(rollouts: Iterable[Rollout], *, has_content: bool = False) -> Iterator[str]:
    """Lines of a file, without their ends."""
    for rollout in rollouts:
        yield json.dumps(to_otlp(rollout, has_content=has_content), ensure_ascii=False)


def _spans(rollout: Rollout, has_content: bool) -> Iterator[dict[str, Any]]:
    key, trajectory = rollout.key, rollout.trajectory
    start = _nanos(rollout.started_at) or 0
    model = trajectory.agent.model_name or key.model
    common = {"gen_ai.provider.name": _provider(model), "gen_ai.conversation.id": trajectory.session_id}
    root = _span_id(key.id, "agent")
    children: list[dict[str, Any]] = []
    now = start
    for step in trajectory.steps:
        before, now = now, max(now, _nanos(step.timestamp) or now)
        if step.source == "agent":
            of_step = common | _model(step.model_name or model)
            children += _step_spans(rollout, step, (before, now), root, of_step, has_content)
    end = max(now, start + int(rollout.total_sec * 1e9))
    attributes = common | {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": key.agent,
        "gen_ai.agent.version": trajectory.agent.version,
        **_model(model),
        "gen_ai.request.seed": rollout.seed,
        "gen_ai.usage.input_tokens": rollout.prompt_tokens,
        "gen_ai.usage.output_tokens": rollout.completion_tokens,
        "gristmill.rollout.id": key.id,
        "gristmill.task.id": key.task_id,
        "gristmill.suite.hash": key.suite_hash,
        "gristmill.ending": rollout.ending,
        "gristmill.cost_usd": rollout.cost_usd,
    }
    if has_content:
        opening = [step for step in trajectory.steps if step.source != "agent"]
        attributes["gen_ai.input.messages"] = [_message(step) for step in opening]
        attributes["gen_ai.tool.definitions"] = list(trajectory.agent.tool_definitions or ())
    trouble = _trouble(rollout)
    span = _span(rollout, root, "", f"invoke_agent {key.agent}", INTERNAL, (start, end), attributes, trouble)
    if not rollout.is_unknown:
        score = {
            "gen_ai.evaluation.name": "verifier",
            "gen_ai.evaluation.score.value": float(rollout.verdict.reward),
            "gen_ai.evaluation.score.label": "pass" if rollout.verdict.is_solved else "fail",
        }
        event = {"name": "gen_ai.evaluation.result", "timeUnixNano": str(end), "attributes": _attributes(score)}
        span["events"] = [event]
    yield span
    yield from children


def _step_spans(
    rollout: Rollout, step: Step, times: tuple[int, int], root: str, common: dict[str, Any], has_content: bool
) -> Iterator[dict[str, Any]]:
    metrics = step.metrics
    attributes = common | {"gen_ai.operation.name": "chat"}
    if metrics:
        attributes |= {
            "gen_ai.usage.input_tokens": metrics.prompt_tokens,
            "gen_ai.usage.output_tokens": metrics.completion_tokens,
            "gen_ai.usage.cache_read.input_tokens": metrics.cached_tokens,
        }
    if has_content:
        attributes["gen_ai.output.messages"] = [_message(step)]
    name = f"chat {common.get('gen_ai.request.model', '')}".strip()
    span_id = _span_id(rollout.key.id, f"step {step.step_id}")
    yield _span(rollout, span_id, root, name, CLIENT, times, attributes, "")
    results = {result.source_call_id: result for result in (step.observation.results if step.observation else ())}
    is_error = bool((step.extra or {}).get("is_error", False))
    for call in step.tool_calls or ():
        yield _tool_span(rollout, step, call, results.get(call.tool_call_id), times[1], root, is_error, has_content)


def _tool_span(
    rollout: Rollout,
    step: Step,
    call: ToolCall,
    result: ObservationResult | None,
    at: int,
    root: str,
    is_error: bool,
    has_content: bool,
) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": call.function_name,
        "gen_ai.tool.call.id": call.tool_call_id,
        "gen_ai.tool.type": "function",
    }
    if has_content:
        attributes["gen_ai.tool.call.arguments"] = call.arguments
        attributes["gen_ai.tool.call.result"] = result.content if result else None
    span_id = _span_id(rollout.key.id, f"step {step.step_id} call {call.tool_call_id}")
    trouble = "tool_error" if is_error else ""
    return _span(rollout, span_id, root, f"execute_tool {call.function_name}", INTERNAL, (at, at), attributes, trouble)


def _span(
    rollout: Rollout,
    span_id: str,
    parent: str,
    name: str,
    kind: int,
    times: tuple[int, int],
    attributes: dict[str, Any],
    trouble: str,
) -> dict[str, Any]:
    span = {
        "traceId": sha256(rollout.key.id.encode()).hexdigest()[:32],
        "spanId": span_id,
        "name": name,
        "kind": kind,
        "startTimeUnixNano": str(times[0]),
        "endTimeUnixNano": str(times[1]),
        "attributes": _attributes(attributes | ({"error.type": trouble} if trouble else {})),
        "status": {"code": ERROR, "message": rollout.ending_detail[:2000]} if trouble else {},
    }
    return span | ({"parentSpanId": parent} if parent else {})


def _trouble(rollout: Rollout) -> str:
    """What the rollout failed of, if not of its task."""
    if rollout.is_unknown:
        return "infrastructure_error"
    return rollout.ending if rollout.ending in ("model_error", "agent_error") else ""


def _message(step: Step) -> dict[str, Any]:
    """By the conventions' JSON schema of messages."""
    text = step.message if isinstance(step.message, str) else json.dumps(step.message, ensure_ascii=False)
    parts: list[dict[str, Any]] = [{"type": "text", "content": text}] if text else []
    if step.reasoning_content:
        parts.insert(0, {"type": "reasoning", "content": step.reasoning_content})
    for call in step.tool_calls or ():
        parts.append(
            {"type": "tool_call", "id": call.tool_call_id, "name": call.function_name, "arguments": call.arguments}
        )
    message: dict[str, Any] = {"role": _ROLES[step.source], "parts": parts}
    if step.source == "agent":
        message["finish_reason"] = "tool_call" if step.tool_calls else "stop"
    return message


def _model(name: str) -> dict[str, Any]:
    return {"gen_ai.request.model": name} if name else {}


def _provider(model: str) -> str:
    """Of `provider/name`, as LiteLLM and Harbor write models."""
    provider, slash, _ = model.partition("/")
    return provider if slash and provider else "unknown"


def _attributes(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in values.items() if value is not None and value != ""]


def _value(value: Any) -> dict[str, Any]:
    """OTLP's AnyValue. Objects are JSON as text, as the conventions ask where structure is not supported."""
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"stringValue": value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}


def _span_id(rollout_id: str, part: str) -> str:
    return sha256(f"{rollout_id} {part}".encode()).hexdigest()[:16]


def _nanos(time: str | None) -> int | None:
    if not time:
        return None
    try:
        moment = datetime.fromisoformat(time)
    except ValueError:
        return None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1e6) * 1000
