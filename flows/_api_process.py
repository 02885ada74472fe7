"""Prefect's API as a child process that dies with its parent: started by `flows/api.py`, never imported.

Prefect's own temporary server outlives a parent that is killed by SIGKILL; this one asks the kernel to be
killed as well (prctl PR_SET_PDEATHSIG), and serves on a socket that its parent has bound, so that no port
can be lost between choosing and using it.

It serves one command, for whose length it is there: what costs processor time and serves others is left out.
"""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from typing import Any

PR_SET_PDEATHSIG = 1
CHORES_SEC = 5.0


def do_chores_at_the_start_only() -> None:
    """Prefect's worker for chores (what is old in the database is deleted) asks for more four times a second.

    That is 1 % of a core for as long as the server is up; what is due at its start is done in the first seconds.
    """
    server: Any = import_module("prefect.server.api.server")  # it exports the name to nobody
    worker = server.background_worker

    @asynccontextmanager
    async def at_the_start(*given: Any, **named: Any) -> AsyncIterator[None]:
        async def for_some_seconds() -> None:
            async with worker(*given, **named):
                await asyncio.sleep(CHORES_SEC)

        chores = asyncio.create_task(for_some_seconds())
        try:
            yield
        finally:
            chores.cancel()
            with suppress(asyncio.CancelledError):
                await chores

    server.background_worker = at_the_start


def main(parent: int, listening_fd: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before we could ask
        sys.exit(1)
    from flows.deployments._server import serve

    do_chores_at_the_start_only()
    serve(listening_fd)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
