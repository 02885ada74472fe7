"""What each worker of a Dask of our own loads first: Ctrl-C at a terminal is for the command, which tells its workers.

A terminal sends it to the whole group, and a worker that gets it dies with its rollouts and a traceback. Ray's own
processes do not take it. A worker whose command has died ends all the same: it watches a pipe to it.
"""

import os
import signal
from typing import Any


def dask_setup(worker: Any) -> None:
    """Called by the worker as it starts: a group of its own, and of what it starts.

    It was born with SIGINT blocked (starting.py); what it starts is not to be. One that came meanwhile is forgotten.
    """
    os.setpgid(0, 0)
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    signal.signal(signal.SIGINT, handler)
