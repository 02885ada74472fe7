"""A suite of the one tiny task; a real server around it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI

from agents.environment.server import create_app
from environments import Backend
from tasks.suite import Suite, open_suite
from tasks.task import Task

FIX = {"path": "tinylib/numbers.py", "old": "    if value > high:\n        return low\n"}
FIX["new"] = FIX["old"].replace("return low", "return high")

Served = Callable[..., AbstractAsyncContextManager[tuple[str, FastAPI]]]


@pytest.fixture(scope="session")
def tiny_suite(tiny_task: Task, session_cache: Path) -> Suite:
    return open_suite(tiny_task.folder.parent, cache=session_cache)


@pytest.fixture
def served(tiny_suite: Suite, bubblewrap: Backend) -> Served:
    """`async with served(sessions=2) as (address, app)`: the server on a free port of this machine."""

    @asynccontextmanager
    async def serve(**options: Any) -> AsyncIterator[tuple[str, FastAPI]]:
        app = create_app(tiny_suite, bubblewrap, **options)
        config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", timeout_graceful_shutdown=2)
        server = uvicorn.Server(config)
        running = asyncio.ensure_future(server.serve())
        while not server.started:
            assert not running.done()
            await asyncio.sleep(0.01)
        try:
            yield f"127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", app
        finally:
            server.should_exit = True
            await running

    return serve
