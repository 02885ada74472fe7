"""An OpenEnv-compatible server over a suite: WebSocket sessions at `/ws`, and the same by HTTP requests.

    app = create_app(suite, backend, sessions=4)
    uvicorn.run(app, host="127.0.0.1", port=8000)

Unlike OpenEnv's own server, HTTP has sessions too: `/reset` answers a `session_id`, which `/step` is given.
Who can reach the port can run commands in sandboxes: there is no password; keep it on 127.0.0.1 or behind one.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Request, WebSocket
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import Field

from agents.agent import AgentLimits
from agents.environment._websocket import serve_socket
from agents.environment.errors import BadAction, BadTask, NoRollout, NoSession, SessionEnded, SessionsFull
from agents.environment.protocol import Action, Message, ResetRequest, described, reset, schemas, state, step
from agents.environment.sessions import Reply, Session, Sessions
from agents.environment.task_environment import TaskEnvironment, Tasks
from environments.errors import EnvironmentFault
from environments.sandbox import Backend
from tasks.verdict import Verdict

log = logging.getLogger(__name__)

RETRY_SEC = 5
STATUS: dict[type[Exception], tuple[int, str]] = {
    BadAction: (422, "VALIDATION_ERROR"),
    BadTask: (404, "EXECUTION_ERROR"),
    NoRollout: (409, "EXECUTION_ERROR"),
    NoSession: (404, "SESSION_ERROR"),
    SessionEnded: (410, "SESSION_ERROR"),
    SessionsFull: (503, "CAPACITY_REACHED"),
    EnvironmentFault: (500, "EXECUTION_ERROR"),
}


class HttpReset(ResetRequest):
    """Without `session_id` a new session begins."""

    session_id: str | None = None
    request_id: str | int | None = None


class HttpStep(Message):
    action: Action
    session_id: str | None = None
    request_id: str | int | None = None


class HttpClose(Message):
    session_id: str = Field(description="as /reset answered it")
    request_id: str | int | None = None


def create_app(
    tasks: Tasks, backend: Backend, *, limits: AgentLimits | None = None, sessions: int = 4, idle_sec: float = 600.0
) -> FastAPI:
    """The application. `sessions`: at the same time, each with at most one sandbox of the agent's and one that
    verifies; `idle_sec`: a session without a request for so long is ended. Its lifespan leaves no sandbox.
    """
    verdicts: dict[str, dict[str, Verdict]] = {}
    table = Sessions(
        lambda: TaskEnvironment(tasks, backend, limits=limits, verdicts=verdicts), limit=sessions, idle_sec=idle_sec
    )

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        watching = asyncio.ensure_future(table.watch())
        try:
            yield
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching
            await table.close()

    app = FastAPI(title="Gristmill environment", version=version("gristmill"), lifespan=lifespan)
    app.state.sessions = table
    _add_errors(app)
    _add_facts(app, tasks, table)

    @app.post("/reset")
    async def reset_(request: HttpReset | None = None) -> Reply:
        request = request or HttpReset()
        session = table.get(request.session_id) if request.session_id else await table.open("http")
        is_new = request.session_id is None
        try:
            reply = await session.do(_text(request.request_id), lambda: reset(session, request))
        except BaseException:
            if is_new:
                await table.end(session, "its first reset failed")
            raise
        return _marked(reply, session, request.request_id)

    @app.post("/step")
    async def step_(request: HttpStep) -> Reply:
        session = table.get(request.session_id)
        reply = await session.do(_text(request.request_id), lambda: step(session, request.action))
        return _marked(reply, session, request.request_id)

    @app.get("/state")
    async def state_(session_id: str | None = None) -> Reply:
        return state(table.get(session_id))

    @app.post("/close")
    async def close_(request: HttpClose) -> Reply:
        session = table.get(request.session_id)
        await table.end(session, "closed by the client")
        return _marked({"closed": True}, session, request.request_id)

    @app.websocket("/ws")
    async def socket_(socket: WebSocket) -> None:
        await serve_socket(socket, table)

    return app


def _add_facts(app: FastAPI, tasks: Tasks, table: Sessions) -> None:
    """What can be asked without a session."""

    @app.get("/health")
    async def health() -> dict[str, Any]:
        return {"status": "healthy", "active_sessions": len(table), "max_sessions": table.limit}

    @app.get("/metadata")
    async def metadata() -> dict[str, Any]:
        text = "Verified tasks in sandboxes: tool calls in, the verifier's reward out."
        return {"name": "gristmill", "description": text, "version": app.version}

    @app.get("/schema")
    async def schema() -> dict[str, Any]:
        return schemas()

    @app.get("/tasks")
    async def task_ids() -> dict[str, Any]:
        return {"tasks": sorted(tasks.task_ids())}


def _add_errors(app: FastAPI) -> None:
    """Every error is one message with OpenEnv's code and the request's id."""

    async def told(request: Request, error: Exception) -> JSONResponse:
        found = next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), (500, "EXECUTION_ERROR"))
        headers = {"Retry-After": str(RETRY_SEC)} if found[0] == 503 else None
        content = {"detail": str(error), "code": found[1], **await _id_of(request)}
        return JSONResponse(content, status_code=found[0], headers=headers)

    async def misshapen(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        content = {"detail": described(error.errors()), "code": "VALIDATION_ERROR", **await _id_of(request)}
        return JSONResponse(content, status_code=422)

    for kind in STATUS:
        app.add_exception_handler(kind, told)
    app.add_exception_handler(RequestValidationError, misshapen)


async def _id_of(request: Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except (ValueError, RuntimeError):
        return {}
    given = body.get("request_id") if isinstance(body, dict) else None
    return {"request_id": given} if given is not None else {}


def _marked(reply: Reply, session: Session, request_id: str | int | None) -> Reply:
    ids = {"session_id": session.id} | ({"request_id": request_id} if request_id is not None else {})
    return {**reply, **ids}


def _text(request_id: str | int | None) -> str:
    return "" if request_id is None else str(request_id)
