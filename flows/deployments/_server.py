"""Prefect's server for `gristmill up`: serves on a socket that its parent has bound; started, never imported."""

import socket
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


def serve(listening_fd: int) -> None:
    """Until it is asked to end, on a TCP socket that is bound and listens.

    By its number uvicorn would take the socket for one of UNIX: then TCP_NODELAY is not set, and an answer in two parts
    waits 40 ms for the client to acknowledge the first.
    """
    import uvicorn

    config = uvicorn.Config("prefect.server.api.server:create_app", factory=True, log_level="error", lifespan="on")
    server = uvicorn.Server(config)
    server.run(sockets=[socket.socket(fileno=listening_fd)])
    if not server.started:
        sys.exit(1)


def main(listening_fd: int) -> None:
    let_scheduled_runs_be_written()
    serve(listening_fd)


if __name__ == "__main__":
    main(int(sys.argv[1]))
