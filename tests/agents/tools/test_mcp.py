"""Tools of a real MCP server, over its standard streams and over HTTP."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agents.agent import AgentLimits
from agents.errors import AgentFault
from agents.recorder import Recorder
from agents.session import RolloutSession
from agents.tools import Place, ToolsConfig
from agents.tools.mcp import Mcp

pytest.importorskip("langchain_mcp_adapters")
SERVER = Path(__file__).with_name("mcp_server.py")


@pytest.fixture
async def url() -> AsyncIterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(sys.executable, SERVER, str(port), stderr=asyncio.subprocess.DEVNULL)
    try:
        async with asyncio.timeout(30):
            while True:
                try:
                    (await asyncio.open_connection("127.0.0.1", port))[1].close()
                    break
                except OSError:
                    await asyncio.sleep(0.1)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.kill()
        await process.wait()


def session_of(place: Place) -> RolloutSession:
    return RolloutSession(place, seed=1, limits=AgentLimits(), recorder=Recorder("s"), model=None)


async def check(session: RolloutSession) -> None:
    functions = {each["function"]["name"]: each["function"] for each in session.tool_definitions()}
    assert {"bash", "small_convert", "small_count_calls"} <= set(functions)
    assert functions["small_convert"]["description"] == "Convert an amount of pounds."
    assert functions["small_convert"]["parameters"]["properties"]["to"]["enum"] == ["EUR", "USD"]
    assert (await session.call("small_convert", {"amount": 2, "to": "EUR"})).text == "4 EUR"
    refused = await session.call("small_convert", {"amount": -1, "to": "EUR"})
    assert refused.is_error and "cannot be negative" in refused.text
    wrong = await session.call("small_convert", {"amount": 1, "to": "GBP"})
    assert wrong.is_error and "to: 'GBP' is not one of" in wrong.text and session.invalid_calls == 1


def children() -> set[int]:
    return {int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()}


async def test_a_server_that_is_a_command_lives_as_long_as_the_rollout(place: Place) -> None:
    session = session_of(place)
    before = children()
    await session.open(ToolsConfig(mcp=(Mcp(name="small", command=sys.executable, args=(str(SERVER),)),)))
    await check(session)
    assert [(await session.call("small_count_calls", {})).text for _ in range(2)] == ["1", "2"]
    await session.close()
    assert children() <= before


async def test_a_server_over_http(place: Place, url: str) -> None:
    session = session_of(place)
    await session.open(ToolsConfig(mcp=(Mcp(name="small", url=url),)))
    await check(session)


async def test_a_server_that_is_not_there_is_named(place: Place) -> None:
    with pytest.raises(AgentFault, match="MCP server gone could not be used"):
        await session_of(place).open(ToolsConfig(mcp=(Mcp(name="gone", command="/no/such/program"),)))
    with pytest.raises(AgentFault, match="MCP server gone could not be used"):
        await session_of(place).open(ToolsConfig(mcp=(Mcp(name="gone", url="http://127.0.0.1:9/mcp"),)))


async def test_a_server_that_dies_is_an_error_of_the_call(place: Place) -> None:
    session = session_of(place)
    await session.open(ToolsConfig(mcp=(Mcp(name="small", command=sys.executable, args=(str(SERVER),)),)))
    for pid in children():
        if str(SERVER).encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, 9)
    answer = await session.call("small_count_calls", {})
    assert answer.is_error and "failed" in answer.text
