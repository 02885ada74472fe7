"""Notice to batches on a cluster that their run is to end: none of their rollouts begins, those under way have a grace.

It travels by the engine's own means, which reach its workers wherever they are: an actor of Ray (without a CPU, begun
again where its node dies, ended with the run), metadata of Dask's scheduler. A batch looks for it in a thread beside
its rollouts. The grace comes with it, so that a batch ends by itself where the run is gone.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any
from uuid import uuid4

from flows.drain import Drain
from flows.engines.setting import Engine

NAMESPACE = "gristmill"
LOOKS_A_SECOND = 200  # of all batches together: one actor, or a scheduler with other work, answers ten times as many
LOOK_SEC, LOOK_SEC_AT_MOST = 1.0, 4.0
ANSWER_SEC = 10.0

log = logging.getLogger("gristmill")


@dataclass(frozen=True)
class Notice:
    """Where a batch looks, and how often. Plain data: it travels to workers."""

    name: str
    every_sec: float = LOOK_SEC


class NoticeBoard:
    """For the run: its batches look here. `client`: of Dask; none for Ray, whose client is the process's."""

    def __init__(self, engine: Engine, client: Any = None) -> None:
        self._name = f"notice-{uuid4().hex}"
        self._client, self._actor = client, None
        if engine.kind == "ray":
            remote = import_module("ray").remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)(_Kept)
            self._actor = remote.options(name=self._name, namespace=NAMESPACE).remote()

    def notice(self, batches_at_once: int) -> Notice:
        return Notice(self._name, min(LOOK_SEC_AT_MOST, max(LOOK_SEC, batches_at_once / LOOKS_A_SECOND)))

    def give(self, grace_sec: float) -> None:
        """Raises whatever kind the engine's client has for a cluster that does not answer."""
        if self._actor is not None:
            import_module("ray").get(self._actor.give.remote(grace_sec), timeout=ANSWER_SEC)
            return
        # Left there: a few bytes, and a batch that is still being taken away may look again.
        scheduler = self._client.scheduler
        asked = {"keys": [NAMESPACE, self._name], "value": grace_sec}
        self._client.sync(scheduler.set_metadata, **asked, callback_timeout=ANSWER_SEC)


class _Kept:
    """What the actor is."""

    def __init__(self) -> None:
        self.grace_sec: float | None = None

    def give(self, grace_sec: float) -> None:
        self.grace_sec = grace_sec

    def given(self) -> float | None:
        return self.grace_sec


@contextmanager
def heeded(notice: Notice, engine: Engine) -> Iterator[Drain]:
    """For the worker: in the block a thread looks for the notice, and begins the drain when it is given."""
    drain, is_left = Drain(), threading.Event()
    given = _on_ray(notice) if engine.kind == "ray" else _on_dask(notice)

    def watch() -> None:
        while True:
            try:
                grace_sec = given()
            except Exception as error:  # noqa: BLE001  each engine has its own kinds; the rollouts do not depend on it
                log.debug("no answer to whether the run is to end: %s", error)
                grace_sec = None
            if grace_sec is not None:
                drain.begin(grace_sec)
                return
            if is_left.wait(notice.every_sec):
                return

    threading.Thread(target=watch, name="notice", daemon=True).start()
    try:
        yield drain
    finally:
        is_left.set()


def _on_ray(notice: Notice) -> Callable[[], float | None]:
    ray = import_module("ray")

    def given() -> float | None:
        actor = ray.get_actor(notice.name, namespace=NAMESPACE)
        grace_sec: float | None = ray.get(actor.given.remote(), timeout=ANSWER_SEC)
        return grace_sec

    return given


def _on_dask(notice: Notice) -> Callable[[], float | None]:
    client = import_module("distributed").get_client()  # the worker's, known by the thread that asks

    def given() -> float | None:
        asked = {"keys": [NAMESPACE, notice.name], "default": None}
        grace_sec: float | None = client.sync(client.scheduler.get_metadata, **asked, callback_timeout=ANSWER_SEC)
        return grace_sec

    return given
