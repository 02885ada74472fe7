"""Statements that are given up when they take too long, so that another way can be tried."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

_CHECK_EVERY = 2_000  # SQLite's virtual machine: steps between two looks at the clock


class TookTooLong(Exception):
    """The session is to be rolled back."""


@contextmanager
def patient(session: Session, limit_sec: float) -> Iterator[None]:
    """The statements inside end after `limit_sec`, by TookTooLong."""
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        session.execute(text(f"SET LOCAL statement_timeout = {int(1000 * limit_sec)}"))
        try:
            yield
        except DBAPIError as error:
            if "statement timeout" in str(error.orig):
                raise TookTooLong from error
            raise
        session.execute(text("SET LOCAL statement_timeout = 0"))
        return
    driver: Any = connection.connection.driver_connection
    deadline = time.monotonic() + limit_sec
    driver.set_progress_handler(lambda: time.monotonic() > deadline, _CHECK_EVERY)
    try:
        yield
    except DBAPIError as error:
        if "interrupted" in str(error.orig):
            raise TookTooLong from error
        raise
    finally:
        driver.set_progress_handler(None, 0)
