"""The environment for callers that do not await: an event loop in a thread of its own carries it."""

import asyncio
import contextlib
import threading
import weakref
from collections.abc import Coroutine, Mapping
from typing import Any, Self, TypeVar

from agents.agent import AgentLimits
from agents.environment.task_environment import Start, Step, TaskEnvironment, Tasks
from environments.sandbox import Backend

Answer = TypeVar("Answer")

CLOSE_SEC = 15.0


class LoopThread:
    """An event loop that runs in a daemon thread until `stop`."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="gristmill-environment", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Answer], timeout_sec: float | None = None) -> Answer:
        """Its result, or its error. A caller that is interrupted takes the work with it."""
        if self._loop.is_closed():
            work.close()
            raise RuntimeError("the environment is closed")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(timeout_sec)
        except BaseException:
            future.cancel()
            raise

    def stop(self) -> None:
        """Idempotent."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(CLOSE_SEC)
            if not self._thread.is_alive():
                self._loop.close()


class SyncTaskEnvironment:
    """`TaskEnvironment` without `await`; the same arguments, results and errors.

    with SyncTaskEnvironment(suite, backend) as environment:
        start = environment.reset(seed=1)
        text, reward, done, info = environment.step("bash", {"command": "ls"})

    What is left open is closed when the object goes or the process ends, so that no sandbox stays.
    """

    def __init__(self, tasks: Tasks, backend: Backend, *, limits: AgentLimits | None = None) -> None:
        self._environment = TaskEnvironment(tasks, backend, limits=limits)
        self._thread = LoopThread()
        self._finalizer = weakref.finalize(self, _close, self._environment, self._thread)

    def reset(self, task_id: str | None = None, seed: int | None = None) -> Start:
        return self._thread.run(self._environment.reset(task_id, seed))

    def step(self, tool: str, arguments: Mapping[str, Any]) -> Step:
        return self._thread.run(self._environment.step(tool, arguments))

    def finish(self) -> Step:
        return self._thread.run(self._environment.finish())

    @property
    def is_running(self) -> bool:
        return self._environment.is_running

    def close(self) -> None:
        """Stop the sandbox and the thread; idempotent. Nothing can be done with it after that."""
        self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _close(environment: TaskEnvironment, thread: LoopThread) -> None:
    # A backend that does not answer must not keep the process from its end; `sweep` finds what is left.
    with contextlib.suppress(TimeoutError):
        thread.run(environment.close(), CLOSE_SEC)
    thread.stop()
