"""Servers as child processes: commands, health, death of a replica, death of the parent, adapters."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from agents.errors import ModelUnavailable
from agents.local_model import model_file
from agents.models import ModelConfig
from agents.serving import Fleet, ServeConfig, get_server, kind_of, served
from agents.serving.errors import ServingFault
from agents.serving.fleet import ports


@pytest.fixture(scope="module")
def weights() -> Path:
    try:
        return model_file()
    except ModelUnavailable as error:
        pytest.skip(str(error))


async def ask(model: ModelConfig, text: str = "Say hello.", tokens: int = 8) -> str:
    body = {"model": model.model, "messages": [{"role": "user", "content": text}], "max_tokens": tokens}
    async with httpx.AsyncClient(timeout=60) as client:
        answer = await client.post(
            f"{model.base_url}/chat/completions", json={**body, "temperature": 0, **model.extra_body}
        )
    answer.raise_for_status()
    return str(answer.json()["choices"][0]["message"]["content"])


def command(kind: str, **more: object) -> str:
    config = ServeConfig.model_validate({"name": "coder", "weights": "/models/coder", **more})
    return " ".join(get_server(kind).command(config, 0, 8000))


def test_vllm_gets_its_flags() -> None:
    assert command("vllm", context_length=32768) == (
        "vllm serve /models/coder --served-model-name coder --host 127.0.0.1 --port 8000 --max-model-len 32768"
    )
    full = command("vllm", lora={"sql": "/a/sql"}, gpus=2, slots=64, tool_parser="hermes", extra=("--seed", "1"))
    for part in (
        "--tensor-parallel-size 2",
        "--max-num-seqs 64",
        "--enable-auto-tool-choice --tool-call-parser hermes",
        "--enable-lora --max-loras 1 --max-lora-rank 64 --lora-modules sql=/a/sql",
    ):
        assert part in full
    assert full.endswith("--seed 1")


def test_sglang_gets_its_flags() -> None:
    full = command("sglang", lora={"sql": "/a/sql"}, gpus=2, tool_parser="qwen")
    assert "-m sglang.launch_server --model-path /models/coder --served-model-name coder" in full
    assert "--tp-size 2 --tool-call-parser qwen --enable-lora" in full and "--lora-paths sql=/a/sql" in full


def test_adapters_are_entries_of_their_own() -> None:
    config = ServeConfig(name="coder", weights="x.gguf", lora={"sql": Path("s"), "web": Path("w")})
    url = "http://127.0.0.1:1/v1"
    vllm, sglang, llama = (get_server(kind).models(config, [url]) for kind in ("vllm", "sglang", "llama.cpp"))
    assert [each.model for each in vllm] == ["coder", "sql", "web"]
    assert [each.model for each in sglang] == ["coder", "coder:sql", "coder:web"]
    assert [each.extra_body.get("lora") for each in llama] == [
        [{"id": 0, "scale": 0.0}, {"id": 1, "scale": 0.0}],
        [{"id": 0, "scale": 1.0}, {"id": 1, "scale": 0.0}],
        [{"id": 0, "scale": 0.0}, {"id": 1, "scale": 1.0}],
    ]


def test_replicas_get_gpus_of_their_own() -> None:
    config = ServeConfig(name="coder", weights="x", replicas=2, gpus=2)
    assert [get_server("vllm").environment(config, number)["CUDA_VISIBLE_DEVICES"] for number in (0, 1)] == [
        "0,1",
        "2,3",
    ]


def test_the_kind_follows_from_the_weights() -> None:
    assert kind_of(ServeConfig(name="a", weights="x.gguf")) == "llama.cpp"
    assert kind_of(ServeConfig(name="a", weights="folder", kind="sglang")) == "sglang"
    with pytest.raises(ServingFault, match=r"there are: auto, llama\.cpp, sglang, transformers, vllm"):
        get_server("ollama")


def test_what_is_missing_is_said_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "bad.gguf").write_bytes(b"nothing")
    with pytest.raises(ServingFault, match="not a GGUF file"):
        Fleet(ServeConfig(name="a", weights=str(tmp_path / "bad.gguf")))
    with pytest.raises(ServingFault, match="no such file"):
        Fleet(ServeConfig(name="a", weights=str(tmp_path / "none.gguf")))


def test_a_port_that_is_taken_is_named() -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ServingFault, match=f"127.0.0.1:{port}"):
            ports(ServeConfig(name="a", weights="x", port=port))


async def test_a_server_that_does_not_come_up_is_quoted(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + bytes(64))
    with pytest.raises(ServingFault, match=r"(?s)ended with code .*the end of its output"):
        async with served(ServeConfig(name="broken", weights=str(broken))):
            pass


async def test_a_replica_that_dies_comes_back_at_its_address(weights: Path, tmp_path: Path) -> None:
    events: list[str] = []
    config = ServeConfig(
        name="small", weights=str(weights), replicas=2, context_length=512, slots=1, logs=tmp_path / "logs"
    )
    async with Fleet(config, on_event=events.append) as fleet:
        model = fleet.models[0]
        assert len(model.replicas) == 1 and await ask(model)
        second = fleet.replicas[1]
        before = second.pid
        assert before is not None
        os.kill(before, signal.SIGKILL)
        async with asyncio.timeout(60):
            while second.pid in (None, before) or not await second.is_healthy():
                await asyncio.sleep(0.1)
        assert await ask(model.model_copy(update={"base_url": model.replicas[0]}))
        pids = [each.pid for each in fleet.replicas]
    assert "ended with code -9" in events[0] and "healthy again" in events[-1]
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert len(list((tmp_path / "logs").glob("small-*.log"))) == 2


def test_servers_die_with_their_parent(weights: Path) -> None:
    program = f"""
import asyncio
from agents.serving import Fleet, ServeConfig

async def main():
    async with Fleet(ServeConfig(name="small", weights={str(weights)!r}, context_length=512, slots=1)) as fleet:
        print(fleet.replicas[0].pid, flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert Path(f"/proc/{pid}").exists()
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 10
    while _runs(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _runs(pid)


def _runs(pid: int) -> bool:
    """A process that nobody waits for stays as a zombie: it runs no longer."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
