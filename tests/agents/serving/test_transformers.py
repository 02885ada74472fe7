"""`transformers serve` for real, on the small model's weights as safetensors: it answers, and a dead replica costs
nothing."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from agents.serving import Fleet, ServeConfig, get_server
from agents.serving.errors import ServingFault
from tests.agents.conftest import RollOut

from .conftest import ask

ENDINGS = ("submitted", "step_limit", "invalid_calls")


def test_its_command_serves_one_model_under_its_path(tmp_path: Path) -> None:
    config = ServeConfig(name="small", weights=str(tmp_path), replicas=2, threads=3)
    server = get_server("transformers")
    assert server.command(config, 0, 8000)[1:] == ["serve", str(tmp_path), "--host", "127.0.0.1", "--port", "8000"]
    assert server.environment(config, 0) == {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "3"}
    assert server.models(config, ["http://127.0.0.1:8000/v1"])[0].model == str(tmp_path)


def test_what_it_cannot_do_is_said_before_anything_starts(tmp_path: Path) -> None:
    server = get_server("transformers")
    assert any("--kind llama.cpp" in said for said in server.missing(ServeConfig(name="a", weights="a.gguf")))
    with pytest.raises(ServingFault, match=r"--kind llama\.cpp or vllm"):
        server.command(ServeConfig(name="a", weights="folder", lora={"b": tmp_path}), 0, 8000)


@pytest.mark.slow
async def test_rollouts_lose_nothing_when_a_replica_is_killed(base: Path, rolling: RollOut, tmp_path: Path) -> None:
    events: list[str] = []
    config = ServeConfig(
        name="small", weights=str(base), kind="transformers", replicas=2, logs=tmp_path, startup_sec=180
    )
    async with Fleet(config, on_event=events.append) as fleet:
        assert len((await ask(fleet.models[0], "Say hello.")).split()) > 1
        model = fleet.models[0].model_copy(update={"max_tokens": 40})
        rollouts = [asyncio.create_task(rolling("react", model=model, steps=3, seconds=400)) for _ in range(2)]
        while not any(replica.running for replica in model.endpoint.replicas[1:]):
            await asyncio.sleep(0.05)
        killed = fleet.replicas[1]
        before = killed.pid
        assert before is not None
        os.killpg(before, signal.SIGKILL)  # in the middle of an answer
        done = await asyncio.gather(*rollouts)
        async with asyncio.timeout(180):
            while killed.pid in (None, before) or not await killed.is_healthy():
                await asyncio.sleep(0.2)
    for rollout in done:
        assert rollout.ending in ENDINGS and not rollout.is_unknown, rollout.ending_detail
        assert rollout.completion_tokens > 3
    assert "ended with code -9" in events[0] and "healthy again" in events[-1]
