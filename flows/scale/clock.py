"""Simulated time: a list of events, the earliest first."""

import heapq
import itertools
from collections.abc import Callable

Then = Callable[[], object]
"""What happens at an event, or when something that was asked for is there."""


class Clock:
    """`now` in seconds from 0. Events of the same moment happen in the order in which they were set."""

    def __init__(self) -> None:
        self.now = 0.0
        self.happened = 0
        self._events: list[tuple[float, int, Then]] = []
        self._numbers = itertools.count()

    def at(self, moment: float, then: Then) -> None:
        heapq.heappush(self._events, (moment, next(self._numbers), then))

    def after(self, seconds: float, then: Then) -> None:
        heapq.heappush(self._events, (self.now + seconds, next(self._numbers), then))

    def run(self) -> None:
        """Until nothing is left to happen."""
        events, pop = self._events, heapq.heappop
        while events:
            self.now, _, then = pop(events)
            self.happened += 1
            then()
