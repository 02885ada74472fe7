"""How far a flow is, as a progress artifact of its run on Prefect's server, where the dashboard finds it.

A thread renews it every few seconds while the flow works, for batches end too seldom to tell by. No flow fails by it.
"""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact

from flows.progress import Tally

EVERY_SEC = 3.0
JOIN_SEC = 2.0  # a server that answers slowly is not waited for

log = logging.getLogger(__name__)

_is_seen: ContextVar[bool] = ContextVar("gristmill_progress_is_seen", default=True)


@contextmanager
def seen_by_nobody() -> Iterator[None]:
    """In the block no server is told how far a flow is: one that ends with the command has nobody who looks."""
    token = _is_seen.set(False)
    try:
        yield
    finally:
        _is_seen.reset(token)


@contextmanager
def shown_on_server(tally: Tally, *, key: str) -> Iterator[None]:
    """For the block, in a flow or task of Prefect. `key`: of the artifact, and what is counted, such as `rollouts`."""
    if not _is_seen.get():
        yield
        return
    shown = _Shown(tally, key)
    ended = threading.Event()
    context = copy_context()
    thread = threading.Thread(target=context.run, args=(shown.renew_until, ended), name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(JOIN_SEC)
    shown.renew()


class _Shown:
    def __init__(self, tally: Tally, key: str) -> None:
        self._tally, self._key = tally, key
        self._began, self._before = time.monotonic(), tally.done
        self._told = tally.done
        created = create_progress_artifact(self._percent(), key=key, description=self._said())
        assert isinstance(created, UUID)  # outside of an event loop
        self._id = created

    def renew_until(self, ended: threading.Event) -> None:
        while not ended.wait(EVERY_SEC):
            self.renew()

    def renew(self) -> None:
        done = self._tally.done
        if done == self._told:
            return
        try:
            update_progress_artifact(self._id, progress=self._percent(), description=self._said())
            self._told = done
        except Exception as error:  # noqa: BLE001  whatever it is, the work goes on
            log.warning("the server was not told how far the run is: %s", error)

    def _percent(self) -> float:
        return 100 * min(1.0, self._tally.done / max(1, self._tally.total))

    def _said(self) -> str:
        done, total = self._tally.done, self._tally.total
        minutes = (time.monotonic() - self._began) / 60
        rate = f", {(done - self._before) / minutes:.3g} a minute" if done > self._before and minutes else ""
        return f"{done:,} of {total:,} {self._key}{rate}"
