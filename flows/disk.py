"""What fails because a disk is full: told as that, with the path and the free bytes, whoever noticed it first."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from flows.errors import FlowFault
from trajectories.disk import NO_ROOM, SCANTY_BYTES, free_bytes
from trajectories.errors import StoreFull


class DiskFull(FlowFault):
    """No room is left on a disk that the command writes to; the message names it."""


def is_no_room(error: object) -> bool:
    """Whether an error, or one that it came from, says that a disk is full."""
    while isinstance(error, BaseException):
        if isinstance(error, (StoreFull, DiskFull)) or (isinstance(error, OSError) and error.errno in NO_ROOM):
            return True
        error = error.__cause__ or error.__context__
    return False


@contextmanager
def full_disks_told(folders: Mapping[str, Path]) -> Iterator[None]:
    """Raises DiskFull for what fails in the block for want of room. `folders`: what is written to, by what it is for.

    Prefect's server answers with `500` when it cannot write, and says no more: there the free bytes tell.
    """
    try:
        yield
    except (StoreFull, DiskFull):
        raise
    except Exception as error:
        full = {what: folder for what, folder in folders.items() if free_bytes(folder) < SCANTY_BYTES}
        if not is_no_room(error) and not (full and _says_nothing(error)):
            raise
        named = _file_of(error)
        shown = [f"{what} {folder} ({free_bytes(folder)} bytes free)" for what, folder in (full or folders).items()]
        raise DiskFull(
            f"a disk is full{f', at {named}' if named else ''}: {', '.join(shown)}; "
            "make room, and the same command goes on where it was"
        ) from error


def _says_nothing(error: Exception) -> bool:
    """Errors of Prefect, of its server and of databases; ours say what they mean."""
    rooms = ("prefect", "httpx", "sqlalchemy", "sqlite3", "aiosqlite")
    return any(kind.__module__.partition(".")[0] in rooms for kind in type(error).__mro__) or (
        type(error).__name__ == "ApiUnavailable"
    )


def _file_of(error: BaseException | None) -> str:
    while error is not None:
        if isinstance(error, OSError) and error.errno in NO_ROOM and error.filename:
            return str(error.filename)
        error = error.__cause__ or error.__context__
    return ""
