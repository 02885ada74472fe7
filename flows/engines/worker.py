"""What a worker looks at before it starts on a batch: does it see what the flow sees? Plain code without Prefect."""

import asyncio
import socket
from collections.abc import Collection
from pathlib import Path

from environments.errors import BackendAway, BackendUnavailable
from environments.sandbox import Backend
from flows.disk import is_no_room
from flows.drain import Drained
from flows.engines.errors import WorkerFault
from flows.errors import UsageError
from flows.place import Place
from flows.quiet import foreign_code_is_not_warned_of
from tasks.errors import BadSource, BadTaskFolder, TaskFault
from tasks.repository import Repository, prepare_repository
from tasks.source import fetch_source
from tasks.suite import Suite, open_suite, prepare_suite
from trajectories.errors import StoreFault

DOCS = "every machine must see it at the same path (docs/many-machines.md)"


def ready_for(place: Place, folder: Path, suite_hash: str, task_ids: Collection[str], *, has_store: bool) -> Suite:
    """The suite, with what these tasks need in this machine's cache; what dead processes left here is removed.

    `has_store`: the batch writes to the store, so it must be the flow's. Raises WorkerFault naming this host.
    """
    foreign_code_is_not_warned_of()
    suite = suite_here(place, folder, suite_hash)
    if has_store:
        check_store(place, suite_hash)
    try:
        backend = place.open_backend()
        asyncio.run(_prepare(suite, backend, place, task_ids))
    except (BackendUnavailable, TaskFault) as error:
        raise fault_here(f"cannot begin: {error}") from error
    return suite


async def _prepare(suite: Suite, backend: Backend, place: Place, task_ids: Collection[str]) -> None:
    await backend.sweep()
    part = suite.model_copy(update={"folders": {each: suite.folders[each] for each in task_ids}})
    await prepare_suite(part, backend, cache=place.cache)


def suite_here(place: Place, folder: Path, suite_hash: str) -> Suite:
    """Raises WorkerFault where this host sees no suite there, or another one."""
    try:
        suite = open_suite(folder, cache=place.cache)
    except BadTaskFolder as error:
        raise fault_here(f"does not see the suite: {error}; {DOCS}") from error
    if suite.manifest.hash != suite_hash:
        raise fault_here(
            f"sees another suite at {folder}: its hash is {suite.manifest.hash[:12]}, the run is on "
            f"{suite_hash[:12]}; {DOCS}"
        )
    return suite


def check_store(place: Place, suite_hash: str) -> None:
    """Opening a store makes it where there is none: on a machine that does not see it, that would hide the mistake.

    The flow has made the suite known to the store, so a store without it is not the flow's.
    Raises WorkerFault naming this host.
    """
    for path in place.local_parts():
        if not path.exists():
            raise fault_here(f"does not see the store: there is no {path}; {DOCS}")
    try:
        with place.open_store() as store:
            is_same = store.knows_suite(suite_hash)
    except StoreFault as error:
        raise fault_here(f"cannot open the store: {error}") from error
    if not is_same:
        raise fault_here(f"sees another store at {place.shown_store()}; {DOCS}")


async def repository_here(spec: str, source_hash: str, backend: Backend, place: Place) -> Repository:
    """The prepared repository of a source, from this machine's cache or made in it. Raises WorkerFault."""
    foreign_code_is_not_warned_of()
    try:
        source = fetch_source(spec, cache=place.cache)
        if source.hash != source_hash:
            raise fault_here(
                f"sees another source at {spec}: its hash is {source.hash[:12]}, not {source_hash[:12]}; {DOCS}"
            )
        return await prepare_repository(source, backend, cache=place.cache)
    except BadSource as error:
        raise fault_here(f"does not see the source: {error}; {DOCS}") from error


def is_worth_another_try(error: BaseException) -> bool:
    """What a worker does not see, what was wrongly asked, and what was waited for, is the same at the next try."""
    lasting = WorkerFault | UsageError | BadTaskFolder | StoreFault | BackendAway | Drained
    return not isinstance(error, lasting) and not is_no_room(error)


def fault_here(what: str) -> WorkerFault:
    return WorkerFault(f"the worker on {socket.gethostname()} {what}")
