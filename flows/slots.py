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

POLL_SEC = 0.01  # the batches have event loops of their own; a rollout takes seconds


class Slots:
    """`count` of them. Safe to use from several event loops at once."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._waiting: list[tuple[int, int]] = []
        self._tickets = itertools.count()
        self._lock = threading.Lock()

    @asynccontextmanager
    async def taken(self, rank: int) -> AsyncIterator[None]:
        """Hold one for the block; of those that wait, the lowest `rank` comes first."""
        ticket = (rank, next(self._tickets))
        with self._lock:
            heapq.heappush(self._waiting, ticket)
        try:
            while not self._may_go(ticket):
                await asyncio.sleep(POLL_SEC)
        except BaseException:  # cancelled while it waited: those behind it must not wait for it
            with self._lock:
                self._waiting.remove(ticket)
                heapq.heapify(self._waiting)
            raise
        try:
            yield
        finally:
            with self._lock:
                self._free += 1

    def _may_go(self, ticket: tuple[int, int]) -> bool:
        with self._lock:
            if not self._free or self._waiting[0] != ticket:
                return False
            heapq.heappop(self._waiting)
            self._free -= 1
            return True
