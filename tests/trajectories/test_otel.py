"""Rollouts as OpenTelemetry spans."""

import json
from pathlib import Path
from typing import Any

import typer
from typer.testing import CliRunner

from flows.cli import store as command
from tests.trajectories.conftest import make_rollout
from trajectories.otel import otlp_lines, to_otlp
from trajectories.rollout import Rollout
from trajectories.store import open_store


def spans_of(rollout: Rollout, *, has_content: bool = False) -> list[dict[str, Any]]:
    spans: list[dict[str, Any]] = to_otlp(rollout, has_content=has_content)["resourceSpans"][0]["scopeSpans"][0][
        "spans"
    ]
    return spans


def attributes_of(span: dict[str, Any]) -> dict[str, Any]:
    return {each["key"]: next(iter(each["value"].values())) for each in span["attributes"]}


def test_an_agent_its_messages_and_its_tools_are_spans() -> None:
    agent, *children = spans_of(make_rollout(model="openai/gpt"))
    assert (agent["name"], agent.get("parentSpanId")) == ("invoke_agent react", None)
    assert [span["name"] for span in children] == ["chat m", "execute_tool bash"] * 2
    assert all(span["parentSpanId"] == agent["spanId"] for span in children)
    assert len({span["traceId"] for span in (agent, *children)}) == 1
    assert len({span["spanId"] for span in (agent, *children)}) == 5
    assert all(len(span["traceId"]) == 32 and len(span["spanId"]) == 16 for span in (agent, *children))


def test_attributes_follow_the_conventions() -> None:
    agent, chat, tool, *_ = spans_of(make_rollout())
    found = attributes_of(agent)
    assert (found["gen_ai.operation.name"], found["gen_ai.agent.name"]) == ("invoke_agent", "react")
    assert (found["gen_ai.usage.input_tokens"], found["gen_ai.request.model"]) == ("20", "m")
    assert attributes_of(chat)["gen_ai.usage.output_tokens"] == "5"
    assert attributes_of(tool)["gen_ai.tool.call.id"] == "c0"
    (event,) = agent["events"]
    assert attributes_of(event)["gen_ai.evaluation.score.value"] == 1.0


def test_content_is_given_when_asked_for() -> None:
    assert "gen_ai.tool.call.arguments" not in json.dumps(spans_of(make_rollout()))
    agent, chat, tool, *_ = spans_of(make_rollout(), has_content=True)
    (message,) = json.loads(attributes_of(agent)["gen_ai.input.messages"])
    assert message == {"role": "user", "parts": [{"type": "text", "content": "Mend it."}]}
    (said,) = json.loads(attributes_of(chat)["gen_ai.output.messages"])
    assert [part["type"] for part in said["parts"]] == ["text", "tool_call"]
    assert attributes_of(tool)["gen_ai.tool.call.result"] == "a.py"


def test_times_never_run_backwards() -> None:
    for span in spans_of(make_rollout(started_at="2026-06-01T00:00:00+00:00")):  # after the steps' own times
        assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"])


def test_trouble_is_an_error_and_has_no_score() -> None:
    agent, *_ = spans_of(make_rollout(reward=0.0, error="container lost"))
    assert agent["status"]["code"] == 2 and attributes_of(agent)["error.type"] == "infrastructure_error"
    assert "events" not in agent
    assert spans_of(make_rollout(reward=0.0))[0]["status"] == {}


def test_the_command_writes_a_line_a_rollout(tmp_path: Path) -> None:
    app, run = typer.Typer(), CliRunner()
    command.add_to(app)
    with open_store(tmp_path / "store") as store:
        rollouts = [make_rollout("a"), make_rollout("b")]
        for rollout in rollouts:
            store.record(rollout)
    at = ["--store", str(tmp_path / "store")]
    run.invoke(app, ["store", "spans", "--where", "reward >= 1", "--out", str(tmp_path / "spans.jsonl"), *at])
    assert len((tmp_path / "spans.jsonl").read_text().splitlines()) == 2
    said = run.invoke(app, ["store", "spans", rollouts[0].key.id, *at]).stdout
    assert said == next(otlp_lines(rollouts[:1])) + "\n"
