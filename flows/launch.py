"""What every command that runs a flow needs around it: settings, the place, Prefect's API."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import gettempdir

from flows.api import prefect_api, users_own_server
from flows.disk import full_disks_told
from flows.engines.setting import check_installed, check_reachable, read_engine
from flows.place import Place
from flows.settings import load_settings
from flows.terminated import sigterm_raises

BATCH_LIMIT = "gristmill-batches"


@contextmanager
def launched(
    *, backend: str | None = None, jobs: int | None = None, store: str | None = None, engine: str | None = None
) -> Iterator[Place]:
    """Options over settings; Prefect's API up for the block. Import flows only inside of it.

    On a server that others use too, batches occupy the global concurrency limit `gristmill-batches`
    where the user has made one; a server of our own serves this process alone, and `jobs` is the limit.
    """
    settings = load_settings(backend=backend, jobs=jobs, store=store, engine=engine)
    check_installed(read_engine(settings.engine))
    own_server = users_own_server()
    check_reachable(read_engine(settings.engine), own_server)
    shared = own_server is not None
    place = Place.from_settings(settings, batch_limit=BATCH_LIMIT if shared else None)
    folder = Path(place.store) if "://" not in place.store else Path(".gristmill")
    written = {"store": folder, "cache": place.cache, "folder": Path.cwd(), "temporary files": Path(gettempdir())}
    with (
        sigterm_raises(),
        warnings_shown_once(),
        full_disks_told(written),
        prefect_api(folder / "prefect", cache=place.cache),
        nullcontext() if shared else for_this_command_alone(),
    ):
        yield place


@contextmanager
def warnings_shown_once() -> Iterator[None]:
    """What the rooms below warn of goes to stderr; the same words of several threads once."""
    shown = set[str]()

    def is_new(record: logging.LogRecord) -> bool:
        text = record.getMessage()
        is_known = text in shown
        shown.add(text)
        return not is_known

    log, handler = logging.getLogger("gristmill"), logging.StreamHandler()
    handler.setFormatter(logging.Formatter("gristmill: %(message)s"))
    handler.addFilter(is_new)
    log.addHandler(handler)
    log.propagate = False
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.propagate = True


@contextmanager
def for_this_command_alone() -> Iterator[None]:
    """What a server that ends with the command need not be told: nobody looks at it meanwhile."""
    from flows.showing import seen_by_nobody

    with without_heartbeats(), seen_by_nobody():
        yield


@contextmanager
def without_heartbeats() -> Iterator[None]:
    """Nobody listens to signs of life on a server that ends with the command, and ending them costs a flow 1 s."""
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        yield
