"""The server: OpenEnv's messages, sessions that are bounded and end with their sandbox, replies with their id."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from agents.environment.sessions import Sessions
from environments.errors import EnvironmentFault
from environments.sandbox import Sandbox

from .conftest import FIX, Served

EDIT = {"type": "call_tool", "tool_name": "edit", "arguments": FIX}
SUBMIT = {"tool": "submit"}


async def ask(socket: ClientConnection, kind: str, data: object = None, **more: object) -> dict[str, Any]:
    await socket.send(json.dumps({"type": kind, **({"data": data} if data is not None else {}), **more}))
    reply: dict[str, Any] = json.loads(await asyncio.wait_for(socket.recv(), 60))
    return reply


@asynccontextmanager
async def client_of(address: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://{address}", timeout=60, trust_env=False) as client:
        yield client


async def until(holds: Callable[[], bool], within_sec: float = 10.0) -> None:
    end = time.monotonic() + within_sec
    while not holds():
        assert time.monotonic() < end, "it did not come to pass"
        await asyncio.sleep(0.02)


def sandboxes_of(app: FastAPI) -> list[Sandbox]:
    table: Sessions = app.state.sessions
    found = [session.environment._sandbox for session in table._sessions.values()]
    return [sandbox for sandbox in found if sandbox is not None]


async def is_gone(sandbox: Sandbox) -> bool:
    try:
        await sandbox.run(["true"], timeout_sec=5)
    except EnvironmentFault:
        return True
    return False


async def test_a_rollout_over_a_websocket(served: Served) -> None:
    async with served() as (address, _), connect(f"ws://{address}/ws", proxy=None) as socket:
        start = await ask(socket, "reset", {"task_id": "tinylib-clamp", "episode_id": "mine"})
        assert (start["type"], start["data"]["done"], start["data"]["reward"]) == ("observation", False, None)
        assert start["data"]["observation"]["instruction"].startswith("Numbers above the upper limit")
        tools = await ask(socket, "step", {"type": "list_tools"})
        assert {"name", "description", "input_schema"} == set(tools["data"]["observation"]["tools"][0])
        edited = await ask(socket, "step", EDIT)
        assert "edited" in edited["data"]["observation"]["result"] and edited["data"]["reward"] == 0.0
        wrong = await ask(socket, "step", {"tool_name": "fly"})
        assert wrong["data"]["metadata"]["is_error"] and not wrong["data"]["done"]
        state = await ask(socket, "state")
        assert (state["type"], state["data"]["episode_id"], state["data"]["step_count"]) == ("state", "mine", 2)
        last = await ask(socket, "step", SUBMIT)
        assert (last["data"]["reward"], last["data"]["done"]) == (1.0, True)
        assert "request_id" not in last


async def test_what_is_wrong_is_told_and_the_session_goes_on(served: Served) -> None:
    async with served() as (address, _), connect(f"ws://{address}/ws", proxy=None) as socket:
        await socket.send("{")
        assert json.loads(await socket.recv())["data"]["code"] == "INVALID_JSON"
        assert (await ask(socket, "fly"))["data"]["code"] == "UNKNOWN_TYPE"
        early = await ask(socket, "step", SUBMIT, request_id=4)
        assert (early["data"]["code"], early["request_id"]) == ("EXECUTION_ERROR", 4)
        assert "call reset first" in early["data"]["message"]
        misshapen = await ask(socket, "step", {"tool_name": 5})
        assert misshapen["data"]["code"] == "VALIDATION_ERROR" and "tool_name" in misshapen["data"]["message"]
        assert "no task 'other'" in (await ask(socket, "reset", {"task_id": "other"}))["data"]["message"]
        assert (await ask(socket, "reset", {"seed": 1}))["type"] == "observation"


async def test_a_late_reply_is_known_by_its_id(served: Served) -> None:
    async with served() as (address, _), connect(f"ws://{address}/ws", proxy=None) as socket:
        await ask(socket, "reset", {})
        slow = {"tool_name": "bash", "arguments": {"command": "sleep 0.5; echo slow"}}
        await socket.send(json.dumps({"type": "step", "data": slow, "request_id": "a"}))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(socket.recv(), 0.1)
        quick = {"tool_name": "bash", "arguments": {"command": "echo quick"}, "request_id": "b"}
        await socket.send(json.dumps({"type": "step", "data": quick}))
        replies = {
            reply["request_id"]: reply["data"]["observation"]["text"]
            for reply in [json.loads(await socket.recv()), json.loads(await socket.recv())]
        }
        assert replies == {"a": "slow", "b": "quick"}


async def test_a_client_that_goes_frees_its_slot_and_its_sandbox_at_once(served: Served) -> None:
    async with served(sessions=1) as (address, app):
        lost = await connect(f"ws://{address}/ws", proxy=None)
        await ask(lost, "reset", {})
        (sandbox,) = sandboxes_of(app)
        async with connect(f"ws://{address}/ws", proxy=None) as second:
            full = json.loads(await second.recv())
            assert full["data"]["code"] == "CAPACITY_REACHED" and "all 1 sessions" in full["data"]["message"]
            with pytest.raises(ConnectionClosed):
                await second.recv()
        command = {"tool_name": "bash", "arguments": {"command": "sleep 60"}}
        await lost.send(json.dumps({"type": "step", "data": command}))
        await asyncio.sleep(0.2)
        lost.transport.abort()
        await until(lambda: len(app.state.sessions) == 0)
        assert await is_gone(sandbox)
        async with connect(f"ws://{address}/ws", proxy=None) as third:
            assert (await ask(third, "reset", {}))["type"] == "observation"


async def test_two_clients_at_once(served: Served) -> None:
    async with served(sessions=2) as (address, _):

        async def roll_out(is_right: bool) -> float:
            async with connect(f"ws://{address}/ws", proxy=None) as socket:
                await ask(socket, "reset", {"seed": 1})
                if is_right:
                    await ask(socket, "step", EDIT)
                reward: float = (await ask(socket, "step", SUBMIT))["data"]["reward"]
                return reward

        assert await asyncio.gather(roll_out(True), roll_out(False)) == [1.0, 0.0]


async def test_an_idle_session_is_ended_with_its_sandbox(served: Served) -> None:
    async with served(sessions=2, idle_sec=0.8) as (address, app), client_of(address) as client:
        async with connect(f"ws://{address}/ws", proxy=None) as socket:
            await ask(socket, "reset", {})
            (sandbox,) = sandboxes_of(app)
            session_id = (await client.post("/reset", json={})).json()["session_id"]
            busy = {"tool_name": "bash", "arguments": {"command": "sleep 1.5; echo still here"}}
            working = await ask(socket, "step", busy)
            assert working["data"]["observation"]["text"] == "still here"
            told = json.loads(await asyncio.wait_for(socket.recv(), 10))
            assert told["data"]["code"] == "SESSION_ERROR" and "idle for 0.8 s" in told["data"]["message"]
        assert await is_gone(sandbox)
        gone = await client.post("/step", json={"session_id": session_id, "action": SUBMIT, "request_id": 9})
        assert gone.status_code == 404 and "call /reset for a new one" in gone.json()["detail"]
        assert gone.json()["request_id"] == 9
        assert (await client.get("/health")).json()["active_sessions"] == 0


async def test_a_rollout_over_http(served: Served) -> None:
    async with served(sessions=1) as (address, app), client_of(address) as client:
        assert (await client.get("/health")).json()["status"] == "healthy"
        assert (await client.get("/tasks")).json() == {"tasks": ["tinylib-clamp"]}
        assert set((await client.get("/schema")).json()) == {"action", "observation", "state"}
        start = (await client.post("/reset", json={"seed": 1, "request_id": "r1"})).json()
        assert start["request_id"] == "r1" and start["metadata"]["task_id"] == "tinylib-clamp"
        full = await client.post("/reset", json={"request_id": 2})
        assert (full.status_code, full.json()["code"], full.json()["request_id"]) == (503, "CAPACITY_REACHED", 2)
        assert full.headers["retry-after"] and "all 1 sessions are in use" in full.json()["detail"]
        session = {"session_id": start["session_id"]}
        append = {"tool": "bash", "arguments": {"command": "echo x >> log; wc -l < log"}}
        once = await client.post("/step", json={**session, "action": append, "request_id": "s1"})
        again = await client.post("/step", json={**session, "action": append, "request_id": "s1"})
        assert once.json() == again.json() and again.json()["observation"]["text"] == "1"
        await client.post("/step", json={**session, "action": EDIT})
        last = (await client.post("/step", json={"action": SUBMIT})).json()
        assert (last["reward"], last["done"]) == (1.0, True)
        assert (await client.get("/state")).json()["done"] is True
        over = await client.post("/step", json={**session, "action": SUBMIT})
        assert over.status_code == 409 and "call reset" in over.json()["detail"]
        misshapen = await client.post("/step", json={**session, "request_id": 5})
        assert (misshapen.status_code, misshapen.json()["request_id"]) == (422, 5)
        assert "action" in misshapen.json()["detail"]
        assert (await client.post("/reset", json={"task_id": "other"})).status_code == 404
        fresh = (await client.post("/reset")).json()  # the place of the one that was over
        assert len(app.state.sessions) == 1
        closed = await client.post("/close", json={"session_id": fresh["session_id"], "request_id": 7})
        assert closed.json()["request_id"] == 7 and len(app.state.sessions) == 0


async def test_the_end_of_the_server_leaves_no_sandbox(served: Served) -> None:
    async with served(sessions=2) as (address, app), client_of(address) as client:
        await client.post("/reset", json={})
        socket = await connect(f"ws://{address}/ws", proxy=None)
        await ask(socket, "reset", {})
        sandboxes = sandboxes_of(app)
        assert len(sandboxes) == 2
    assert [await is_gone(sandbox) for sandbox in sandboxes] == [True, True]
    await socket.close()
