"""A place that so many can hold at a time; the others wait in the order in which they came (M/G/c/FIFO)."""

from collections import deque

from flows.scale.clock import Clock, Then


class Gate:
    """`enter` takes a place, `leave` gives it back; visits and waits are counted."""

    def __init__(self, clock: Clock, places: int) -> None:
        self.places = places
        self.visits = 0
        self.waited_sec = 0.0
        self.held_sec = 0.0
        self._clock = clock
        self._held = 0
        self._since = 0.0
        self._queue: deque[tuple[float, Then]] = deque()

    def enter(self, then: Then) -> bool:
        """True: the place is ours at once. False: `then` is called when it is."""
        self.visits += 1
        if self._held < self.places:
            self._count(1)
            return True
        self._queue.append((self._clock.now, then))
        return False

    def leave(self) -> None:
        if self._queue:
            came, then = self._queue.popleft()
            self.waited_sec += self._clock.now - came
            then()
        else:
            self._count(-1)

    def serve(self, seconds: float, then: Then) -> None:
        """Enter, stay for `seconds`, leave, and go on."""

        def end() -> None:
            self.leave()
            then()

        def stay() -> None:
            self._clock.after(seconds, end)

        if self.enter(stay):
            stay()

    @property
    def mean_wait_sec(self) -> float:
        return self.waited_sec / self.visits if self.visits else 0.0

    def busy_share(self) -> float:
        """Of its places, so far: 0…1."""
        self._count(0)
        return self.held_sec / (self.places * self._clock.now) if self._clock.now else 0.0

    def _count(self, change: int) -> None:
        now = self._clock.now
        self.held_sec += self._held * (now - self._since)
        self._since = now
        self._held += change
