"""A user's own agent by an adapter: its model through the proxy, its limits, its faults; real sandbox, real socket."""

import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from agents.agent import AgentLimits
from agents.models import ModelConfig
from agents.registry import get_agent
from agents.rollout import roll_out
from environments import Backend
from tasks.task import Task
from trajectories.rollout import Rollout, RolloutKey

from ..openai_server import says, sends, serving

KEY = "sk-the-real-key-0123456789"
PROGRAM = """
import json, os, subprocess, sys, urllib.request

url, task = sys.argv[1:3]
messages = [{"role": "user", "content": task}]
while True:
    body = {"model": "another", "messages": messages, "stream": STREAM}
    headers = {"Content-Type": "application/json", "Authorization": "Bearer " + os.environ["KEY"]}
    request = urllib.request.Request(url + "/chat/completions", json.dumps(body).encode(), headers)
    said = urllib.request.urlopen(request).read()
    if STREAM:
        events = [json.loads(line[6:]) for line in said.splitlines() if line.startswith(b"data: {")]
        message = events[0]["choices"][0]["delta"]
    else:
        message = json.loads(said)["choices"][0]["message"]
    if message["content"].startswith("END"):
        print("the end", file=sys.stderr)
        sys.exit(int(message["content"][3:] or 0))
    done = subprocess.run(["bash", "-c", message["content"]], capture_output=True, text=True)
    messages += [{"role": "assistant", "content": message["content"]}, {"role": "user", "content": done.stdout}]
"""
MEND = "sed -i '11s/low/high/' tinylib/numbers.py; echo mended"


class Running:
    def __init__(self, task: Task, backend: Backend, folder: Path) -> None:
        self.task, self.backend, self.folder = task, backend, folder

    async def __call__(self, url: str, *, is_stream: bool = False, limits: dict[str, Any] | None = None) -> Rollout:
        program = self.folder / f"tool-{is_stream}" / "agent.py"
        program.parent.mkdir(exist_ok=True)
        program.write_text(PROGRAM.replace("STREAM", str(is_stream)))
        adapter = {
            "name": "mine",
            "install": {"folder": str(program.parent)},
            "command": ["python3", "{agent}/agent.py", "{base_url}", "{instruction}"],
            "env": {"KEY": "{key}"},
        }
        model = ModelConfig(
            name="m", model="served-7b", base_url=url, api_key=SecretStr(KEY), price_prompt=1.0, tries=2
        )
        key = RolloutKey(suite_hash="tests", task_id=self.task.id, agent="mine", model="m", backend=self.backend.name)
        bounds = AgentLimits(**{"seconds": 60.0, **(limits or {})})
        agent = get_agent("mine", adapter=adapter)
        return await roll_out(self.task, agent, self.backend, key=key, limits=bounds, model=model)


@pytest.fixture
def run_mine(tiny_task: Task, bubblewrap: Backend, tmp_path: Path) -> Running:
    return Running(tiny_task, bubblewrap, tmp_path)


async def test_its_conversation_is_the_trajectory_and_the_key_stays_outside(run_mine: Running) -> None:
    with serving(says("env; cat /proc/[0-9]*/environ; cat /proc/[0-9]*/cmdline"), says(MEND), says("END")) as (
        server,
        url,
    ):
        rollout = await run_mine(url)
    assert rollout.verdict.is_solved, rollout.ending_detail
    assert (rollout.ending, rollout.prompt_tokens, rollout.completion_tokens) == ("finished", 300, 30)
    assert rollout.cost_usd == pytest.approx(300 / 1e6)
    first = rollout.trajectory.steps[1]
    assert first.observation and "KEY=added-outside-the-sandbox" in str(first.observation.results[0].content)
    assert first.metrics and first.metrics.prompt_tokens == 100
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    assert {request["model"] for request in server.requests} == {"served-7b"}
    assert KEY not in rollout.model_dump_json() and url not in rollout.model_dump_json()


async def test_a_stream_is_given_where_one_is_asked_for(run_mine: Running) -> None:
    with serving(says(MEND), says("END")) as (server, url):
        rollout = await run_mine(url, is_stream=True)
    assert rollout.verdict.is_solved, rollout.ending_detail
    assert "stream" not in server.requests[0]


async def test_limits_hold_though_it_knows_nothing_of_them(run_mine: Running) -> None:
    with serving(says("true")) as (server, url):
        steps = await run_mine(url, limits={"steps": 3})
        assert (steps.ending, len(server.requests)) == ("step_limit", 3)
        tokens = await run_mine(url, limits={"tokens": 200})
        cost = await run_mine(url, limits={"cost_usd": 0.0001})
    assert (tokens.ending, tokens.prompt_tokens + tokens.completion_tokens) == ("token_limit", 220)
    assert (cost.ending, cost.prompt_tokens) == ("cost_limit", 100)
    assert len(steps.trajectory.steps) == 1 + 3


async def test_its_time_ends_with_all_it_started(run_mine: Running) -> None:
    began = time.monotonic()
    with serving(says("sleep 300")) as (_, url):
        rollout = await run_mine(url, limits={"seconds": 3.0})
    assert (rollout.ending, rollout.verdict.error) == ("time_limit", None)
    assert time.monotonic() - began < 45


async def test_a_failing_model_and_a_failing_command_are_told_apart(run_mine: Running) -> None:
    with serving(sends(b"{}", status=500)) as (_, url):
        model = await run_mine(url)
    assert model.ending == "model_error" and "status 500" in model.ending_detail
    with serving(says("END3")) as (_, url):
        command = await run_mine(url)
    assert (command.ending, command.ending_detail) == ("agent_error", "mine ended with exit code 3: the end")


async def test_nothing_but_the_model_is_reached(run_mine: Running) -> None:
    with serving(
        says("python3 -c \"import socket; socket.create_connection(('1.1.1.1', 80), 2)\" 2>&1 | tail -1"), says("END")
    ) as (_, url):
        rollout = await run_mine(url)
    observed = rollout.trajectory.steps[1].observation
    assert observed and "unreachable" in str(observed.results[0].content)
