"""What the store tries again: one place for locks, serialisation failures and cut connections."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from sqlalchemy.exc import IntegrityError, OperationalError
from tenacity import (
    retry,
    retry_if_exception,
    retry_if_exception_type,
    stop_after_attempt,
    stop_after_delay,
    wait_random_exponential,
)

from trajectories.errors import StoreFault

P = ParamSpec("P")
R = TypeVar("R")

PATIENCE_SEC = 120
"""How long passing trouble is tried again, beside the time that each try waits for a lock by itself (engine.py)."""


def _is_passing(error: BaseException) -> bool:
    """Trouble that is over when tried again: a lock, a serialisation failure, a connection that was cut."""
    if not isinstance(error, OperationalError):
        return False
    text = str(error.orig).lower()
    return error.connection_invalidated or any(word in text for word in ("locked", "busy", "deadlock", "serializ"))


_persisting = retry(
    retry=retry_if_exception(_is_passing),
    stop=stop_after_delay(PATIENCE_SEC),
    wait=wait_random_exponential(multiplier=0.05, max=2),
    reraise=True,
)


def retrying(function: Callable[P, R]) -> Callable[P, R]:
    """Passing trouble is tried again; what stays is a StoreFault that says what the database said."""
    persisting = _persisting(function)

    @wraps(function)
    def guarded(*arguments: P.args, **options: P.kwargs) -> R:
        try:
            return persisting(*arguments, **options)
        except OperationalError as error:
            raise StoreFault(f"the store's database failed: {error.orig}; is it there, is its disk full?") from error

    return guarded


meeting = retry(retry=retry_if_exception_type(IntegrityError), stop=stop_after_attempt(5), reraise=True)
"""On PostgreSQL two writers may insert the same key at once: the second looks again and finds the first one's row."""
