"""Sandboxes that may be up at a time in this process, shared by the batches that one flow runs in threads.

The earlier batch comes first: the later one takes what the earlier one no longer fills. So no slot stands idle
while a batch ends on its slowest rollout, or while Prefect starts the next one (0.2 to 0.5 s on a busy machine).
"""

import asyncio
import heapq
import itertools
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(order=True)
class _Waiting:
    """Whoever waits, in an event loop of its own batch. It is woken: to look now and then would cost 1 % of a core."""

    rank: int
    ticket: int
    loop: asyncio.AbstractEventLoop = field(compare=False)
    may_go: "asyncio.Future[None]" = field(compare=False)
    has_slot: bool = field(default=False, compare=False)


class Slots:
    """`count` of them. Safe to use from several event loops at once."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._waiting: list[_Waiting] = []
        self._tickets = itertools.count()
        self._lock = threading.Lock()

    @asynccontextmanager
    async def taken(self, rank: int) -> AsyncIterator[None]:
        """Hold one for the block; of those that wait, the lowest `rank` comes first."""
        loop = asyncio.get_running_loop()
        mine = _Waiting(rank, next(self._tickets), loop, loop.create_future())
        with self._lock:
            heapq.heappush(self._waiting, mine)
            self._hand_out()
        try:
            await mine.may_go
        except BaseException:  # cancelled while it waited: those behind it must not wait for it
            with self._lock:
                if mine.has_slot:
                    self._free += 1
                else:
                    self._waiting.remove(mine)
                    heapq.heapify(self._waiting)
                self._hand_out()
            raise
        try:
            yield
        finally:
            with self._lock:
                self._free += 1
                self._hand_out()

    def _hand_out(self) -> None:
        """With the lock held: each free slot to the first that waits. A loop that has ended waits for nothing."""
        while self._free and self._waiting:
            first = heapq.heappop(self._waiting)
            try:
                first.loop.call_soon_threadsafe(_wake, first.may_go)
            except RuntimeError:
                continue
            first.has_slot = True
            self._free -= 1


def _wake(may_go: "asyncio.Future[None]") -> None:
    if not may_go.done():
        may_go.set_result(None)
