"""What every command that runs a flow needs around it: settings, the place, Prefect's API."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from flows.api import prefect_api, users_own_server
from flows.place import Place
from flows.settings import load_settings

BATCH_LIMIT = "gristmill-batches"


@contextmanager
def launched(*, backend: str | None = None, jobs: int | None = None, store: str | None = None) -> Iterator[Place]:
    """Options over settings; Prefect's API up for the block. Import flows only inside of it.

    On a server that others use too, batches occupy the global concurrency limit `gristmill-batches`
    where the user has made one; a server of our own serves this process alone, and `jobs` is the limit.
    """
    settings = load_settings(backend=backend, jobs=jobs, store=store)
    shared = users_own_server() is not None
    place = Place.from_settings(settings, batch_limit=BATCH_LIMIT if shared else None)
    folder = Path(place.store) if "://" not in place.store else Path(".gristmill")
    with prefect_api(folder / "prefect", cache=place.cache), nullcontext() if shared else without_heartbeats():
        yield place


@contextmanager
def without_heartbeats() -> Iterator[None]:
    """Nobody listens to signs of life on a server that ends with the command, and ending them costs a flow 1 s."""
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        yield
