"""A cluster for the length of a block, as Prefect's task runner of that engine. The only file that knows the runners.

A task run that is submitted here is retried by the engine itself where its worker dies (Ray: `max_retries`, 3;
Dask: `allowed-failures`, 3), whatever the reason: what raises in the task is Prefect's to retry.
"""

import contextlib
import logging
import os
import socket
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from prefect.futures import PrefectFuture
from prefect.settings import PREFECT_API_URL
from prefect.task_runners import TaskRunner
from prefect.tasks import Task

from flows.engines.errors import BatchesLost, EngineUnavailable
from flows.engines.notice import Notice, NoticeBoard
from flows.engines.setting import Engine, check_installed, check_reachable
from flows.engines.starting import undisturbed

CONNECT_SEC = 10.0
POLL_SEC = 1.0
POLL_SHARE = 0.05  # of the time: asking the store how far the others are costs it something
LOOPBACK = "127.0.0.2"  # Ray takes 127.0.0.1 for "the address that others reach", and listens there
OBJECTS_BYTES = 100 * 2**20  # batches pass ids, never data; Ray takes 30 % of the memory unless told otherwise

log = logging.getLogger("gristmill")


class Cluster:
    """A running cluster. `jobs`: sandboxes of each batch."""

    def __init__(self, engine: Engine, runner: "TaskRunner[Any]", count: Callable[[], int], jobs: int) -> None:
        self._runner, self._count = runner, count
        self._board: NoticeBoard | None = None
        self.engine, self.jobs = engine, jobs

    @property
    def slots(self) -> int:
        """Batches that run at a time, as the cluster is now."""
        return max(1, self._count())

    def submit(self, task: "Task[..., Any]", **parameters: Any) -> "PrefectFuture[Any]":
        future: PrefectFuture[Any] = self._runner.submit(task, parameters)
        return future

    def notice(self) -> Notice:
        """What batches look at that are to end in order when the run does."""
        if self._board is None:
            self._board = NoticeBoard(self.engine, getattr(self._runner, "client", None))
        return self._board.notice(self.slots)

    def give_notice(self, grace_sec: float) -> None:
        """Tell the batches that have the notice to end. A cluster that does not take it is told of, and no error."""
        try:
            if self._board is not None:
                self._board.give(grace_sec)
        except Exception as error:  # noqa: BLE001  whatever kind the engine's own client has for it
            log.warning("engine %s does not take the notice to its batches: %s", self.engine, last_line(error))


@contextmanager
def connected(engine: Engine, *, jobs: int) -> Iterator[Cluster]:
    """The cluster of `engine`, or one on this machine that ends with the block.

    `jobs`: sandboxes at the same time; in all on a cluster of our own, in each slot (a CPU of Ray, a thread of Dask)
    on one that was there before. Raises UsageError for a missing extra or a Prefect server that workers do not reach,
    EngineUnavailable.
    """
    check_installed(engine)
    check_reachable(engine, PREFECT_API_URL.value())
    if engine.address:
        _reach(engine)
    own = min(jobs, os.cpu_count() or 1)
    with ExitStack() as stack:
        try:
            with undisturbed():
                runner, count = _ray(engine, own, stack) if engine.kind == "ray" else _dask(engine, own, stack)
        except Exception as error:  # whatever kind the engine's own client has for it
            raise EngineUnavailable(f"engine {engine}: no cluster: {last_line(error)}{_hint(engine, error)}") from error
        yield Cluster(engine, runner, count, jobs if engine.address else -(-jobs // own))


def _hint(engine: Engine, error: Exception) -> str:
    """Ray's client says of most that is wrong that the connection was not made in time."""
    if not isinstance(error, ConnectionError) or not engine.address.startswith("ray://"):
        return ""
    if isinstance(error, ConnectionAbortedError):
        return (
            "; the client server starts a process for each client and waits 30 s for it: on a busy head set "
            "RAY_CLIENT_SERVER_CHECK_CHANNEL_TIMEOUT_S=120 where `ray start --head` is called"
        )
    return (
        f"; is {engine.port} the port of its client server (ray start --ray-client-server-port, 10001 by default), "
        "and if the cluster asks for a token, is that in ~/.ray/auth_token or RAY_AUTH_TOKEN here?"
    )


def results(
    futures: Sequence["PrefectFuture[Any]"],
    engine: Engine,
    *,
    poll: Callable[[], None] = lambda: None,
    on_result: Callable[[Any], None] = lambda result: None,
) -> list[Any]:
    """What each task run returned, in order, as `on_result` is told; `poll` is called now and then while they run.

    Waits for all, so that one that fails ends none of the others. Raises the first error of a task run;
    BatchesLost where the engine gave task runs up.
    """
    found: list[Any] = []
    failed: list[Exception] = []
    lost: list[BatchesLost] = []
    for future in futures:
        try:
            found.append(result_of(future, engine, poll=poll))
            on_result(found[-1])
        except BatchesLost as error:
            lost.append(error)
        except Exception as error:  # noqa: BLE001  raised below, when the others have ended
            failed.append(error)
    poll()
    if failed:
        raise failed[0]
    if lost:
        raise BatchesLost(
            f"{lost[0]} ({len(lost)} of {len(futures)} batches). What they had finished is kept; the same command "
            "goes on where it was"
        )
    return found


def result_of(future: "PrefectFuture[Any]", engine: Engine, *, poll: Callable[[], None]) -> Any:
    """What one task run returned; `poll` is called now and then. Raises what it raised, or BatchesLost."""
    result = _result(future, engine, poll)
    if isinstance(result, BaseException):
        raise result
    return result


def _result(future: "PrefectFuture[Any]", engine: Engine, poll: Callable[[], None]) -> Any:
    """What the task run returned or raised. Raises BatchesLost with what the engine has to say of a run it lost."""
    patience = POLL_SEC
    while True:
        try:
            return future.result(timeout=patience, raise_on_failure=False)
        except TimeoutError:
            started = time.monotonic()
        except Exception as error:  # each engine has its own kinds, without a common base
            raise BatchesLost(f"engine {engine}: a batch did not end: {last_line(error)}") from error
        poll()
        patience = max(POLL_SEC, (time.monotonic() - started) / POLL_SHARE)


def last_line(error: BaseException) -> str:
    """What an engine's error comes to: its text may hold a worker's whole traceback."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[-1] if lines else ''}"[:500]


def _reach(engine: Engine) -> None:
    """The engines' clients try for minutes where nothing listens."""
    try:
        socket.create_connection((engine.host, engine.port), timeout=CONNECT_SEC).close()
    except OSError as error:
        raise EngineUnavailable(
            f"engine {engine}: nothing answers at {engine.host}:{engine.port} ({error.strerror or error}); "
            "is the cluster up, and may this machine reach it? (docs/many-machines.md)"
        ) from error


def _ray(engine: Engine, own: int, stack: ExitStack) -> tuple["TaskRunner[Any]", Callable[[], int]]:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ENABLE_AUTO_CONNECT", "0")  # no call may start another cluster behind our back
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # else a warning in each worker
    if "RAY_AUTH_MODE" not in os.environ and _has_ray_token():
        os.environ["RAY_AUTH_MODE"] = "token"  # read at import; else the client of ray:// sends none
    warnings.filterwarnings("ignore", category=UserWarning, module=r"ray\.util\.client")  # the error says it again
    ray, runners = import_module("ray"), import_module("prefect_ray")  # extras: not there for everyone's type checker
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if not engine.address:
        options |= {
            "num_cpus": own,
            "include_dashboard": False,
            "object_store_memory": OBJECTS_BYTES,
            "_node_ip_address": LOOPBACK,
        }
    try:
        runner = stack.enter_context(runners.RayTaskRunner(address=engine.address or None, init_kwargs=options))
    except ConnectionAbortedError:  # the process that serves this client came up too late; the next one is quicker
        runner = stack.enter_context(runners.RayTaskRunner(address=engine.address or None, init_kwargs=options))
    return runner, lambda: int(ray.cluster_resources().get("CPU", 0))


def _has_ray_token() -> bool:
    """Where Ray looks for the token of its clusters, which it makes at the first start on a machine."""
    given = any(name in os.environ for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"))
    return given or Path("~/.ray/auth_token").expanduser().is_file()


def _dask(engine: Engine, own: int, stack: ExitStack) -> tuple["TaskRunner[Any]", Callable[[], int]]:
    # What its client and scheduler have to say of workers that come and go is no concern of whoever waits.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    if engine.address:
        given: dict[str, Any] = {"address": engine.address, "client_kwargs": {"timeout": CONNECT_SEC}}
    else:
        workers: dict[str, Any] = {"n_workers": own, "threads_per_worker": 1, "processes": True, "host": "127.0.0.1"}
        workers["preload"] = ["flows.engines.dask_worker"]
        given = {"cluster_kwargs": {**workers, "dashboard_address": None, "silence_logs": logging.CRITICAL}}
    runner = stack.enter_context(import_module("prefect_dask").DaskTaskRunner(**given))
    client = runner.client  # connects
    if engine.address:
        with contextlib.suppress(TimeoutError):  # told below
            client.wait_for_workers(1, timeout=CONNECT_SEC)

    def count() -> int:
        return sum(client.nthreads().values())

    if not count():
        raise EngineUnavailable("the scheduler has no workers: dask worker tcp://HOST:PORT")
    return runner, count
