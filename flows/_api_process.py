"""Prefect's API as a child process that dies with its parent: started by `flows/api.py`, never imported.

Prefect's own temporary server outlives a parent that is killed by SIGKILL; this one asks the kernel to be
killed as well (prctl PR_SET_PDEATHSIG), and serves on a socket that its parent has bound, so that no port
can be lost between choosing and using it.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, listening_fd: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before we could ask
        sys.exit(1)
    import uvicorn

    uvicorn.run(
        "prefect.server.api.server:create_app",
        factory=True,
        fd=listening_fd,
        log_level="error",
        lifespan="on",
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
