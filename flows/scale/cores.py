"""A host's cores, shared evenly by what wants to compute; no piece of work gets more than one core.

Egalitarian processor sharing (Kleinrock, 1967), as a kernel's fair scheduler comes to over more than a few
milliseconds. All pieces advance at the same rate, so one clock of work done serves them all: a piece that comes when
it stands at v, and needs w, ends when it stands at v + w. That makes each arrival and end O(log n).
"""

import heapq
import itertools

from flows.scale.clock import Clock, Then

TINY_SEC = 1e-9


class Cores:
    def __init__(self, clock: Clock, count: float, rivals: float = 0.0) -> None:
        """rivals: threads of other programs that want a core all the time, and get the same share as a piece."""
        self.count = count
        self._rivals = rivals
        self.done_sec = 0.0
        self.pieces = 0
        self.took_sec = 0.0
        self._clock = clock
        self._each = 0.0  # core seconds that each piece present since the start would have had
        self._since = 0.0
        self._left: list[tuple[float, int, float, Then]] = []
        self._numbers = itertools.count()
        self._next = float("inf")  # moment of the event that is set

    def work(self, seconds: float, then: Then) -> None:
        """Compute for `seconds` of one core, then go on."""
        if seconds <= TINY_SEC:
            self._clock.after(0.0, then)
            return
        self._advance()
        heapq.heappush(self._left, (self._each + seconds, next(self._numbers), self._clock.now, then))
        self.done_sec += seconds
        self.pieces += 1
        self._plan()

    def work_in_parts(self, seconds: float, parts: int, then: Then) -> None:
        """The same on up to `parts` cores at once; on when the last part is done."""
        left = parts

        def one_done() -> None:
            nonlocal left
            left -= 1
            if left == 0:
                then()

        for _ in range(parts):
            self.work(seconds / parts, one_done)

    def busy_share(self) -> float:
        """Core seconds given out over those that there were so far: 0…1. True once nothing is left to do."""
        return self.done_sec / (self.count * self._clock.now) if self._clock.now else 0.0

    def _rate(self) -> float:
        present = len(self._left) + self._rivals
        return 1.0 if present <= self.count else self.count / present

    def _advance(self) -> None:
        now = self._clock.now
        if self._left:
            self._each += (now - self._since) * self._rate()
        self._since = now

    def _plan(self) -> None:
        """Set the event of the next end. One that is set for too early finds nothing done, and plans again."""
        moment = self._clock.now + (self._left[0][0] - self._each) / self._rate()
        if moment < self._next:
            self._next = moment
            self._clock.at(moment, self._event)

    def _event(self) -> None:
        now = self._clock.now
        if now != self._next:
            return  # an earlier one was set since
        self._next = float("inf")
        self._advance()
        ended: list[Then] = []
        while self._left and self._left[0][0] <= self._each + TINY_SEC:
            _, _, came, then = heapq.heappop(self._left)
            self.took_sec += now - came
            ended.append(then)
        if self._left:
            self._plan()
        for then in ended:
            then()
