"""Runs of this machine's workers are asked to end and waited for, before their workers are told to.

A worker that is told first ends its runs at once. Meanwhile its pool is paused, so that nothing new begins; what is due
waits on the server.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.deployments.processes import Daemon, State, end, is_alive, runs_of, write_state
from flows.drain import STOP_SEC
from flows.ending import NAME, asking
from flows.errors import ApiUnavailable

WORKER = "worker-"
REPORT_SEC = 12.0  # a run that has ended tells the server; a busy one answers late
LATE_SEC = 1.0  # a worker that had taken a run when its pool was paused

log = logging.getLogger(__name__)


def end_runs(
    state: State,
    folder: Path,
    daemons: Iterable[Daemon],
    *,
    grace_sec: float,
    tell: Callable[[str], None] = lambda text: None,
) -> tuple[int, set[int]]:
    """How many runs of the workers among `daemons` were asked to end, and the processes that had to be killed.

    Rollouts under way have `grace_sec` to end by themselves and are recorded; none begins. A run that is still there
    some seconds after (`STOP_SEC`, `REPORT_SEC`) is killed.
    """
    workers = [one for one in daemons if one.name.startswith(WORKER) and is_alive(one)]
    if not workers:
        return 0, set()
    pids = [worker.pid for worker in workers]
    with (
        paused(state, folder, [worker.name.removeprefix(WORKER) for worker in workers]),
        asking(folder / NAME, grace_sec),
    ):
        asked = runs = runs_of(pids)
        if not runs:
            return 0, set()
        tell(f"{len(runs)} {'run' if len(runs) == 1 else 'runs'} under way: rollouts have {grace_sec:g} s to end")
        killed = set[int]()
        while runs:
            killed |= end(runs, grace_sec + STOP_SEC + REPORT_SEC)
            time.sleep(LATE_SEC)
            runs = runs_of(pids)
            asked |= runs
        return len(asked), killed


@contextmanager
def paused(state: State, folder: Path, pools: Collection[str]) -> Iterator[None]:
    """No worker takes a run from these pools in the block. What is paused is kept in the state's file, for `up`.

    Where the server is gone no worker gets anything to do.
    """
    from prefect.client.schemas.actions import WorkPoolUpdate
    from prefect.exceptions import ObjectNotFound

    from flows.deployments.register import api

    held = list(state.held)
    try:
        with api(state.url) as client:
            for name in pools:
                try:
                    is_paused = client.read_work_pool(name).is_paused
                except ObjectNotFound:
                    continue
                if not is_paused:
                    held.append(name)
                    write_state(folder, state.model_copy(update={"held": tuple(held)}))
                    client.update_work_pool(name, WorkPoolUpdate(is_paused=True))
    except ApiUnavailable as error:
        log.warning("the worker may begin another run before it ends: %s", error)
    try:
        yield
    finally:
        release(state.model_copy(update={"held": tuple(held)}), folder)


def release(state: State, folder: Path) -> State:
    """Pools that were paused for an end are open again, also where the `down` that paused them did not come so far."""
    from prefect.client.schemas.actions import WorkPoolUpdate
    from prefect.exceptions import ObjectNotFound

    from flows.deployments.register import api

    if not state.held:
        return state
    try:
        with api(state.url) as client:
            for name in state.held:
                try:
                    client.update_work_pool(name, WorkPoolUpdate(is_paused=False))
                except ObjectNotFound:
                    continue
    except ApiUnavailable as error:
        log.warning("the pools %s stay paused until the next `gristmill up`: %s", ", ".join(state.held), error)
        return state
    state = state.model_copy(update={"held": ()})
    write_state(folder, state)
    return state
