"""`gristmill down`: ends what `up` started, and leaves nothing of it running."""

import logging
from collections.abc import Callable

from pydantic import BaseModel, ConfigDict

from flows.deployments.desired import own_tag
from flows.deployments.draining import end_runs
from flows.deployments.processes import State, end, is_alive, marked, read_state, write_state
from flows.deployments.up import GRACE_SEC, SERVER, absolute, folder_of
from flows.errors import ApiUnavailable
from flows.place import Place

log = logging.getLogger(__name__)


class Down(BaseModel):
    """`stopped`: by name; `runs`: asked to end; `others`: processes left beside them; `killed`: of all kinds."""

    model_config = ConfigDict(frozen=True)

    stopped: tuple[str, ...]
    runs: int
    others: int
    killed: int


def take_down(place: Place, *, grace_sec: float | None = None, tell: Callable[[str], None] = lambda text: None) -> Down:
    """Runs first, in order; then their workers; then the server; then what is left.

    `grace_sec`: for rollouts under way to end by themselves; None: as it is set. `tell`: what is waited for.
    """
    folder = folder_of(absolute(place))
    state = read_state(folder)
    stopped: list[str] = []
    killed: set[int] = set()
    runs = others = 0
    if state is not None:
        workers = [one for one in state.daemons if one.name != SERVER and is_alive(one)]
        server = state.alive(SERVER)
        if workers:
            grace_sec = place.grace_sec if grace_sec is None else grace_sec
            _end_runs_elsewhere(state, own_tag(absolute(place)))
            runs, killed = end_runs(state, folder, state.daemons, grace_sec=grace_sec, tell=tell)
        ours = {one.pid for one in state.daemons}
        left = marked(folder) - ours
        others = len(left)
        killed |= end([*(one.pid for one in workers), *left], GRACE_SEC)
        killed |= end(marked(folder) - ({server.pid} if server else set()), 2.0)
        if server is not None:
            killed |= end([server.pid], GRACE_SEC)
        stopped = [one.name for one in workers] + ([SERVER] if server else [])
    killed |= end(marked(folder), 2.0)
    if state is not None:
        state = read_state(folder) or state  # with the pools that could not be opened again
        write_state(folder, state.model_copy(update={"daemons": ()}))
    return Down(stopped=tuple(stopped), runs=runs, others=others, killed=len(killed))


def _end_runs_elsewhere(state: State, own: str) -> None:
    """Containers and jobs are no children of ours. Where the server is gone already, nobody can end them for us."""
    from flows.deployments.register import api, cancel_runs_elsewhere

    try:
        with api(state.url) as client:
            cancel_runs_elsewhere(client, own, patience_sec=GRACE_SEC)
    except ApiUnavailable as error:
        log.warning("runs in containers or jobs, if there are any, were not ended: %s", error)
