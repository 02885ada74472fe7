"""OpenEnv's own clients against our server; where the package `openenv` is installed."""

import asyncio
import re
from pathlib import Path

import pytest

from .conftest import FIX, Served

openenv = pytest.importorskip("openenv.core", reason="pip install openenv")


async def test_the_generic_client(served: Served) -> None:
    async with served() as (address, app):
        async with openenv.GenericEnvClient(base_url=f"http://{address}") as client:
            start = await client.reset(seed=1, episode_id="mine")
            assert start.observation["instruction"].startswith("Numbers above") and not start.done
            edited = await client.step({"tool_name": "edit", "arguments": FIX})
            assert "edited" in edited.observation["result"] and edited.reward == 0.0
            assert (await client.state())["step_count"] == 1
            with pytest.raises(RuntimeError, match="UNKNOWN_TYPE"):
                await client._send_and_receive({"type": "fly"})
            last = await client.step({"tool_name": "submit"})
            assert (last.reward, last.done) == (1.0, True)
        assert len(app.state.sessions) == 0


async def test_its_typed_tool_calls(served: Served) -> None:
    types = pytest.importorskip("openenv.core.env_server.mcp_types")
    async with served() as (address, _), openenv.GenericEnvClient(base_url=f"http://{address}") as client:
        await client.reset(seed=1)
        listed = await client.step(types.ListToolsAction())
        tools = [types.Tool(**tool).name for tool in listed.observation["tools"]]
        assert "bash" in tools
        done = await client.step(types.CallToolAction(tool_name="bash", arguments={"command": "pwd"}))
        assert types.CallToolObservation(tool_name="bash", result="/workspace").result == done.observation["result"]


async def test_the_program_of_the_docs(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    docs = (Path(__file__).parents[3] / "docs" / "rl.md").read_text()
    (program,) = (code for code in re.findall(r"```python\n(.*?)```", docs, re.S) if "openenv.core" in code)
    async with served() as (address, _):
        await asyncio.to_thread(exec, program.replace("127.0.0.1:8000", address), {})
    assert capsys.readouterr().out == "0.0 True submitted\n"
