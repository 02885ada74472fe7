"""The sessions of a server: each holds one environment; their number is bounded, idle ones are ended.

A slot is free again only when its sandbox has stopped, so that there are never more sandboxes than slots.
"""

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Callable, Coroutine
from typing import Any, Literal

from agents.environment.errors import NoSession, SessionEnded, SessionsFull
from agents.environment.task_environment import TaskEnvironment

log = logging.getLogger(__name__)

Reply = dict[str, Any]
Kind = Literal["http", "websocket"]


class Session:
    """One client's environment. Requests go one after another; the end of the session ends what is under way."""

    def __init__(self, environment: TaskEnvironment, kind: Kind) -> None:
        self.id = secrets.token_hex(16)
        self.kind = kind
        self.environment = environment
        self.episode_id = ""
        self.ended = asyncio.Event()
        self.why = ""
        self._used = time.monotonic()
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._work: asyncio.Task[Reply] | None = None
        self._answered: tuple[str, Reply] | None = None

    @property
    def is_busy(self) -> bool:
        return self._waiting > 0

    @property
    def idle_sec(self) -> float:
        """Seconds since its last reply; 0 while it works on one."""
        return 0.0 if self.is_busy else time.monotonic() - self._used

    async def do(self, request_id: str, work: Callable[[], Coroutine[Any, Any, Reply]]) -> Reply:
        """Carry out a request and keep its reply: the request that was answered last, sent again, is not done again.

        Raises SessionEnded, and what the work raises.
        """
        self._waiting += 1
        try:
            async with self._turn:
                if self.ended.is_set():
                    raise SessionEnded(self.why)
                if request_id and self._answered and self._answered[0] == request_id:
                    return self._answered[1]
                self._work = asyncio.ensure_future(work())
                try:
                    reply = await self._work
                finally:
                    self._work = None
                self._answered = (request_id, reply)
                return reply
        except asyncio.CancelledError:
            if self.ended.is_set():
                raise SessionEnded(self.why) from None
            raise
        finally:
            self._waiting -= 1
            self._used = time.monotonic()

    async def end(self, why: str) -> None:
        self.why = why
        self.ended.set()
        if self._work is not None:
            self._work.cancel()
            await asyncio.wait({self._work})
        await self.environment.close()


class Sessions:
    """The table of them. `make` gives a fresh environment; `limit`: at the same time; `idle_sec`: then it is ended."""

    def __init__(self, make: Callable[[], TaskEnvironment], *, limit: int, idle_sec: float) -> None:
        self.limit = limit
        self.idle_sec = idle_sec
        self._make = make
        self._sessions: dict[str, Session] = {}
        self._endings: dict[str, asyncio.Task[None]] = {}
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._sessions)

    async def open(self, kind: Kind) -> Session:
        """A new session. An HTTP session whose rollout is over makes room, if need be. Raises SessionsFull."""
        if len(self._sessions) >= self.limit:
            over = [each for each in self._sessions.values() if each.kind == "http" and not each.is_busy]
            for each in over:
                if each.environment.last_step is not None:
                    await self.end(each, "its rollout was over, and its place was needed")
                    break
        if self._is_closed:
            raise SessionsFull("the server is shutting down")
        if len(self._sessions) >= self.limit:
            raise SessionsFull(
                f"all {self.limit} sessions are in use; close one, or try again later "
                f"(a session that is idle for {self.idle_sec:g} s is ended)"
            )
        session = Session(self._make(), kind)
        self._sessions[session.id] = session
        return session

    def get(self, session_id: str | None) -> Session:
        """The HTTP session of this id; without one, the only one there is. Raises NoSession."""
        ours = {each.id: each for each in self._sessions.values() if each.kind == "http" and not each.ended.is_set()}
        if session_id is None:
            if len(ours) == 1:
                return next(iter(ours.values()))
            raise NoSession(f"there are {len(ours)} sessions: give the `session_id` that /reset answered")
        if session_id not in ours:
            raise NoSession(
                f"there is no session {session_id!r}: it was closed, was idle for {self.idle_sec:g} s, or never was; "
                "call /reset for a new one"
            )
        return ours[session_id]

    async def end(self, session: Session, why: str) -> None:
        """End it, with its sandbox, and free its slot. Goes on where the caller is cancelled. Idempotent."""
        if session.id in self._sessions and session.id not in self._endings:
            self._endings[session.id] = asyncio.ensure_future(self._end(session, why))
        if (ending := self._endings.get(session.id)) is not None:
            await asyncio.shield(ending)

    async def _end(self, session: Session, why: str) -> None:
        try:
            await session.end(why)
        except Exception:
            log.exception("session %s did not end cleanly", session.id)
        finally:
            self._sessions.pop(session.id, None)
            self._endings.pop(session.id, None)

    async def reap(self) -> int:
        """End the idle ones; returns how many."""
        idle = [each for each in self._sessions.values() if each.idle_sec >= self.idle_sec and not each.ended.is_set()]
        await asyncio.gather(*(self.end(each, f"idle for {self.idle_sec:g} s") for each in idle))
        return len(idle)

    async def watch(self) -> None:
        """Reap until cancelled."""
        while True:
            await asyncio.sleep(min(5.0, self.idle_sec / 4))
            if number := await self.reap():
                log.info("%d idle sessions ended", number)

    async def close(self) -> None:
        """End them all, and open none again."""
        self._is_closed = True
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*(self.end(each, "the server shuts down") for each in list(self._sessions.values())))
