"""What the store tries again, in one place: locks, serialisation failures, cut connections, servers that are away."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError, OperationalError
from tenacity import (
    RetryCallState,
    retry,
    retry_if_exception,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from trajectories.disk import SCANTY_BYTES, free_bytes, no_room
from trajectories.engine import PATIENCE
from trajectories.errors import StoreAway, StoreFault

P = ParamSpec("P")
R = TypeVar("R")

log = logging.getLogger("gristmill.store")

PATIENCE_SEC = 120
"""How long passing trouble is tried again, beside the time that each try waits for a lock by itself (engine.py)."""

# PostgreSQL, appendix A: 08 connection exceptions, 57P01-03 shutdown, crash, cannot connect now, 53300 too many.
_AWAY_CODES = ("08", "57P01", "57P02", "57P03", "53300")
# Of libpq, which has no codes for connections that were not made, and of psycopg for those that were lost.
_AWAY_WORDS = (
    "connection refused",
    "is the server running",
    "timeout expired",
    "network is unreachable",
    "no route to host",
    "starting up",
    "shutting down",
    "terminating connection",
    "too many clients",
    "server closed the connection",
    "connection is closed",
    "connection reset",
    "could not receive data",
    "consuming input failed",
)


def _is_away(error: BaseException | None) -> bool:
    """Whether a database server is down, going down or coming up: never what another address or password would mend."""
    if not isinstance(error, OperationalError) or not hasattr(error.orig, "sqlstate"):
        return False  # SQLite's errors have no codes of this kind, and its file is not a server
    code, text = str(getattr(error.orig, "sqlstate", None) or ""), str(error.orig).lower()
    return code.startswith(_AWAY_CODES) or any(word in text for word in _AWAY_WORDS)


def _is_passing(error: BaseException) -> bool:
    """Trouble that is over when tried again: a lock, a serialisation failure, a connection that was cut, a restart."""
    if not isinstance(error, OperationalError):
        return False
    text = str(error.orig).lower()
    is_contended = any(word in text for word in ("locked", "busy", "deadlock", "serializ"))
    return error.connection_invalidated or is_contended or _is_away(error)


def _engine_of(arguments: tuple[object, ...]) -> Engine | None:
    """Functions here take an engine first, or a store, which has one."""
    first = arguments[0] if arguments else None
    found = first if isinstance(first, Engine) else getattr(first, "engine", None)
    return found if isinstance(found, Engine) else None


def _patience(state: RetryCallState) -> float:
    """Seconds. How long a server that is away is waited for is said by whoever opened the store."""
    error = state.outcome.exception() if state.outcome else None
    if not _is_away(error):
        return PATIENCE_SEC
    engine = _engine_of(state.args)
    asked = float(engine.get_execution_options().get(PATIENCE, 0.0)) if engine is not None else 0.0
    # A connection that was open is tried once more at least: its server may have been restarted long ago.
    return max(asked, 1.0) if isinstance(error, OperationalError) and error.connection_invalidated else asked


def _has_ended(state: RetryCallState) -> bool:
    return (state.seconds_since_start or 0.0) >= _patience(state)


def _tell(state: RetryCallState) -> None:
    """Once a wait; those that wait beside it say the same words, which are shown once (flows/launch.py)."""
    error = state.outcome.exception() if state.outcome else None
    if _is_away(error) and state.attempt_number == 2:  # the first may be an old connection
        log.warning(
            "the store's database does not answer (%s); what has ended waits up to %g s to be written",
            _first_line(error),
            _patience(state),
        )


_persisting = retry(
    retry=retry_if_exception(_is_passing),
    stop=_has_ended,
    wait=wait_random_exponential(multiplier=0.05, max=2),
    before_sleep=_tell,
    reraise=True,
)


def retrying(function: Callable[P, R]) -> Callable[P, R]:
    """Passing trouble is tried again; what stays is a StoreFault that says what the database said.

    `function` takes an engine or a store first.
    """
    persisting = _persisting(function)

    @wraps(function)
    def guarded(*arguments: P.args, **options: P.kwargs) -> R:
        try:
            return persisting(*arguments, **options)
        except OperationalError as error:
            raise _fault_of(error, _engine_of(arguments)) from error

    return guarded


def _fault_of(error: OperationalError, engine: Engine | None) -> StoreFault:
    said = _first_line(error)
    if engine is not None and _is_away(error):
        seconds = float(engine.get_execution_options().get(PATIENCE, 0.0))
        waited = f" for {seconds:g} s" if seconds else ""
        return StoreAway(
            f"the store's database at {engine.url.render_as_string()} did not answer{waited}: {said}; "
            "nothing that was recorded is lost: when it is back, the same command goes on where it was"
        )
    file = engine.url.database if engine is not None and engine.dialect.name == "sqlite" else None
    if file and ("is full" in said or ("disk i/o error" in said.lower() and free_bytes(file) < SCANTY_BYTES)):
        return no_room("rows", file)
    return StoreFault(f"the store's database failed: {said}; is it there, is its disk full?")


def _first_line(error: BaseException | None) -> str:
    said = str(error.orig) if isinstance(error, OperationalError) else str(error)
    return said.strip().splitlines()[0] if said.strip() else type(error).__name__


meeting = retry(retry=retry_if_exception_type(IntegrityError), stop=stop_after_attempt(5), reraise=True)
"""On PostgreSQL two writers may insert the same key at once: the second looks again and finds the first one's row."""
