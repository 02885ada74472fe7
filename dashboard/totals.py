"""Totals over the whole store, kept for a while: counting a million rows takes seconds, a page must not.

A small store is counted whenever it is looked at. Where counting takes longer than `QUICK_SEC`, the last count is
shown with its age, and a thread counts again: never more than one, and never for more than a twentieth of the time.
"""

import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from trajectories.counting import DayTotal, Rate, Total, totals, totals_by_day
from trajectories.errors import StoreFault
from trajectories.store import Store

QUICK_SEC = 0.05
SHARE = 20  # a count that takes 1 s is made every 20 s at most


@dataclass(frozen=True)
class Counted:
    """One count of everything. `at`: when it was begun."""

    at: datetime
    totals: tuple[Total, ...]
    days: tuple[DayTotal, ...]

    @property
    def rollouts(self) -> int:
        return self.rate.n + self.rate.unknown

    @property
    def rate(self) -> Rate:
        return sum((each.rate for each in self.totals), Rate())


class Totals:
    """Of one store; safe for many threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._counting: threading.Thread | None = None
        self._last: Counted | None = None
        self._took = 0.0
        self._done = 0.0  # time.monotonic()

    def now(self) -> Counted:
        """The first count is waited for. Raises StoreFault."""
        with self._lock:
            if self._last is None or self._took <= QUICK_SEC:
                self._count()
            elif self._counting is None and time.monotonic() - self._done > SHARE * self._took:
                self._counting = threading.Thread(target=self._count_beside, name="totals", daemon=True)
                self._counting.start()
            assert self._last is not None
            return self._last

    def _count(self) -> None:
        start, at = time.monotonic(), datetime.now(UTC)
        self._last = Counted(at, tuple(totals(self._store)), tuple(totals_by_day(self._store)))
        self._done = time.monotonic()
        self._took = self._done - start

    def _count_beside(self) -> None:
        try:
            self._count()
        except StoreFault:
            self._done = time.monotonic()  # the pages' own questions tell of it; this one is asked again later
        finally:
            self._counting = None
