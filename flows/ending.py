"""How `gristmill down` asks the runs of its workers to end: a file that says how long they have, beside the signal.

The signal says that it is time; the file tells it from any other SIGTERM, so that the run's last state is Cancelled
and not Crashed, and takes the place of the grace that the run was started with. Plain code without Prefect.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

NAME = "ending.json"


class Ending(BaseModel):
    """`grace_sec`: what is under way may take so long to end by itself."""

    model_config = ConfigDict(frozen=True)

    grace_sec: float = Field(ge=0)


@contextmanager
def asking(file: Path, grace_sec: float) -> Iterator[None]:
    """For the block, runs that get a signal find the file."""
    part = file.with_name(f"{file.name}.part")
    part.write_text(Ending(grace_sec=grace_sec).model_dump_json())
    part.replace(file)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def read_ending(file: Path | None) -> Ending | None:
    """What `down` asks for now; None where it does not, and where another has written the file."""
    try:
        return Ending.model_validate_json(file.read_bytes()) if file else None
    except (OSError, ValidationError):
        return None
