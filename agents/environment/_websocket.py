"""A WebSocket connection is a session: it begins with the first and ends with the last of it.

The socket is listened to while a tool runs, so that a client that goes takes its rollout, and nothing else, along.
"""

import asyncio
import json
import logging
from typing import Any

from fastapi import WebSocket, WebSocketDisconnect

from agents.environment.errors import BadAction, NoRollout, SessionEnded, SessionsFull
from agents.environment.protocol import Action, ResetRequest, checked, reset, state, step
from agents.environment.sessions import Reply, Session, Sessions
from agents.errors import AgentFault
from environments.errors import EnvironmentFault

log = logging.getLogger(__name__)

MOST_WAITING = 64
TRY_AGAIN_LATER = 1013  # codes of RFC 6455 and IANA's registry
GOING_AWAY = 1001
POLICY = 1008


async def serve_socket(socket: WebSocket, sessions: Sessions) -> None:
    """Talk with one client until it, the session or the server ends."""
    await socket.accept()
    try:
        session = await sessions.open("websocket")
    except SessionsFull as full:
        counts = {"active_sessions": len(sessions), "max_sessions": sessions.limit}
        await _send(socket, _error("CAPACITY_REACHED", str(full), **counts))
        await _hang_up(socket, TRY_AGAIN_LATER)
        return
    try:
        await _talk(socket, session)
    finally:
        await sessions.end(session, "the client went")


async def _talk(socket: WebSocket, session: Session) -> None:
    inbox: asyncio.Queue[str] = asyncio.Queue(MOST_WAITING)
    listening = asyncio.ensure_future(_listen(socket, inbox))
    answering = asyncio.ensure_future(_answer_all(socket, session, inbox))
    ended = asyncio.ensure_future(session.ended.wait())
    tasks: set[asyncio.Future[Any]] = {listening, answering, ended}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if session.ended.is_set():
            # What was under way ends now with the session: its reply goes out before the good-bye.
            await asyncio.wait({answering}, timeout=1.0)
            await _send(socket, _error("SESSION_ERROR", f"the session was ended: {session.why}"))
            await _hang_up(socket, GOING_AWAY)
        elif listening.done() and not listening.cancelled() and listening.result():
            await _send(socket, _error("SESSION_ERROR", f"more than {MOST_WAITING} requests wait for their reply"))
            await _hang_up(socket, POLICY)
        elif answering.done():
            await _hang_up(socket, 1000)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _listen(socket: WebSocket, inbox: asyncio.Queue[str]) -> bool:
    """Until the client goes; True where it asks for more than is answered."""
    while True:
        event = await socket.receive()
        if event["type"] == "websocket.disconnect":
            return False
        text = event.get("text")
        try:
            inbox.put_nowait(text if text is not None else (event.get("bytes") or b"").decode(errors="replace"))
        except asyncio.QueueFull:
            return True


async def _answer_all(socket: WebSocket, session: Session, inbox: asyncio.Queue[str]) -> None:
    """One after another, until `close` or the end of the session."""
    while not session.ended.is_set():
        try:
            message = json.loads(await inbox.get())
        except ValueError as error:
            await _send(socket, _error("INVALID_JSON", f"the message is no JSON: {error}"))
            continue
        if not isinstance(message, dict):
            await _send(socket, _error("VALIDATION_ERROR", "a message is an object with `type` and `data`"))
            continue
        if message.get("type") == "close":
            return
        request_id = _request_id(message)
        reply = await _answer(session, message, "" if request_id is None else str(request_id))
        await _send(socket, reply if request_id is None else {**reply, "request_id": request_id})


async def _answer(session: Session, message: dict[str, Any], request_id: str) -> Reply:
    kind, data = message.get("type"), message.get("data", {})
    try:
        match kind:
            case "reset":
                request = checked(ResetRequest, data)
                return _observation(await session.do(request_id, lambda: reset(session, request)))
            case "step":
                action = checked(Action, data)
                return _observation(await session.do(request_id, lambda: step(session, action)))
            case "state":
                return {"type": "state", "data": state(session)}
            case _:
                return _error("UNKNOWN_TYPE", f"unknown type {kind!r}; there are: reset, step, state, close")
    except BadAction as error:
        return _error("VALIDATION_ERROR", str(error))
    except SessionEnded as error:
        return _error("SESSION_ERROR", f"the session was ended: {error}")
    except (NoRollout, AgentFault, EnvironmentFault) as error:
        return _error("EXECUTION_ERROR", str(error))
    except Exception as error:
        log.exception("a %s failed", kind)
        return _error("EXECUTION_ERROR", f"{type(error).__name__}: {error}")


def _request_id(message: dict[str, Any]) -> Any:
    """Beside `type`, or within `data`, where clients that do not build messages can put it."""
    data = message.get("data")
    return message.get("request_id", data.get("request_id") if isinstance(data, dict) else None)


def _observation(reply: Reply) -> Reply:
    return {"type": "observation", "data": reply}


def _error(code: str, text: str, **more: object) -> Reply:
    return {"type": "error", "data": {"message": text, "code": code, **more}}


async def _send(socket: WebSocket, reply: Reply) -> None:
    """A client that has gone does not get it; the one who listens sees that it has."""
    try:
        await socket.send_text(json.dumps(reply))
    except (WebSocketDisconnect, RuntimeError) as error:
        log.debug("a reply was not sent: %s", error)


async def _hang_up(socket: WebSocket, code: int) -> None:
    try:
        await socket.close(code)
    except (WebSocketDisconnect, RuntimeError) as error:
        log.debug("the socket was closed already: %s", error)
