"""Prefect's server for `gristmill up`: serves on a socket that its parent has bound; started, never imported."""

import sys


def let_scheduled_runs_be_written() -> None:
    """Prefect 3.8 hands its scheduler's bulk insert a `state` beside the columns, and writes it by itself after.

    SQLAlchemy 2.0 leaves such a key out; 2.1 refuses it unless the property says what to do with it, and then no
    schedule ever starts a run. It says so here: nothing.
    """
    from prefect.server.database.orm_models import FlowRun

    state = FlowRun.__mapper__.all_orm_descriptors["state"]
    if getattr(state, "bulk_dml_setter", True) is None:
        state.bulk_dml_setter = lambda model, mapping, value: None  # type: ignore[attr-defined]


def main(listening_fd: int) -> None:
    import uvicorn

    let_scheduled_runs_be_written()
    uvicorn.run("prefect.server.api.server:create_app", factory=True, fd=listening_fd, log_level="error", lifespan="on")


if __name__ == "__main__":
    main(int(sys.argv[1]))
