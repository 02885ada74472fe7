"""How far a long job is, told to whoever listens (the command line's bar), across Prefect's threads."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """`total` things are to be done in `stage`; `done` of them are; `outcome` is what the last one came to."""

    stage: str
    done: int
    total: int
    outcome: str = ""


Listener = Callable[[Event], None]

_listener: ContextVar[Listener | None] = ContextVar("gristmill_progress", default=None)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Send all events of the block to `listener`, from any thread that Prefect starts in it."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


class Tally:
    """Counts what is done in one stage and tells the listener. Shared by the threads of a flow."""

    def __init__(self, stage: str, *, total: int, done: int = 0) -> None:
        self.stage, self.total, self.done = stage, total, done
        self.outcomes: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._listener = _listener.get()
        self._tell("")

    def add(self, outcome: str) -> None:
        with self._lock:
            self.done += 1
            self.outcomes[outcome] += 1
            self._tell(outcome)

    def _tell(self, outcome: str) -> None:
        if self._listener:
            self._listener(Event(self.stage, self.done, self.total, outcome))
