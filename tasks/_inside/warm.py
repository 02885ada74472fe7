"""The warm process: the repository's tests are collected once; each run is a fork of it with a few functions changed.

For candidates of our own making. Where a change needs a fresh import, the fork says "cold", and a worker of the
nursery takes the run over.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import random
import signal
import sys
import types
from typing import Any

from tasks._inside import worker as _worker
from tasks._inside.frames import Sender
from tasks._inside.lean import leave_out
from tasks._inside.reporter import Reporter, shuffled
from tasks._inside.stdlib_modules import imported
from tasks._inside.swap import NeedsImport, compiled, functions_below, swap


class Warm(Reporter):
    """Collects, then forks for each order instead of running the tests."""

    def __init__(self, config: dict[str, Any], pipes: dict[str, int], fingerprint: Any) -> None:
        none: dict[str, Any] = {
            "tests": None,
            "skip": [],
            "gate": [],
            "per_test_timeout_sec": None,
            "random_order_seed": None,
        }
        super().__init__({**config, **none}, Sender(-1, b""), fingerprint, None)
        self.pid = -1  # nothing is sent, and no test run, by this process itself
        self.pipes = pipes
        self.items: dict[str, Any] = {}
        self.clean: dict[tuple[str, str], types.CodeType] = {}

    def pytest_collectreport(self, report: Any) -> None:
        """What cannot be collected is told by cold workers."""

    def pytest_collection_modifyitems(self, session: Any, config: Any, items: list[Any]) -> None:
        self._hook, self._config = config.hook, config
        for item in items:
            self.items.setdefault(item.nodeid, item)

    def pytest_runtestloop(self, session: Any) -> bool:
        functions = functions_below(self.config["workdir"])
        gc.collect()
        gc.freeze()  # a collection in a fork would copy every page
        os.write(self.pipes["ends"], _worker.READY)
        os.write(self.pipes["ends"], f"{json.dumps(imported())}\n".encode())
        with os.fdopen(self.pipes["orders"], "rb") as orders:
            for line in orders:
                order = json.loads(line)
                self._compile_clean(order["config"]["swaps"])
                pid = os.fork()
                if pid == 0:
                    os.setsid()
                    orders.close()
                    os.close(self.pipes["ends"])
                    self._run(order, session, functions)
                    os._exit(0)
                os.write(self.pipes["ends"], f"{pid}\n".encode())
                _, status = os.waitpid(pid, 0)
                _worker.kill_group(pid)
                os.write(self.pipes["ends"], f"{status}\n".encode())
        os._exit(0)

    def _compile_clean(self, swaps: dict[str, tuple[str, str]]) -> None:
        """Once for all forks."""
        for path, (old, _) in swaps.items():
            place = os.path.join(self.config["workdir"], path)
            if (place, old) not in self.clean and path.endswith(".py"):
                self.clean[place, old] = compiled(place, old.encode("latin-1"))

    def _run(self, order: dict[str, Any], session: Any, functions: Any) -> None:
        """In the fork: change the functions, run the tests, report."""
        self.config.update(order["config"])
        self.pid = os.getpid()
        self.sender = Sender(self.pipes["reports"], bytes.fromhex(order["key"]))
        os.dup2(self.pipes["output"], 1)
        os.dup2(self.pipes["output"], 2)
        try:
            for path, (old, new) in self.config["swaps"].items():
                place = os.path.join(self.config["workdir"], path)
                swap(place, self.clean[place, old], new.encode("latin-1"), functions)
        except (NeedsImport, SyntaxError, ValueError, KeyError):
            self.sender.send("cold")
            os._exit(0)
        wanted = self.config["tests"]
        if any(test not in self.items for test in wanted):
            self.sender.send("cold")  # found when it is collected by itself
            os._exit(0)
        done = set(self.config["skip"])
        items = [self.items[test] for test in wanted if test not in done]
        if self.config["random_order_seed"] is not None:
            items = shuffled(items, random.Random(self.config["random_order_seed"]))
        if self.config["is_lean"]:
            leave_out(session.config, items)
        self.begin_run(items)
        for at, item in enumerate(items):
            following = items[at + 1] if at + 1 < len(items) else None
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.shouldfail or session.shouldstop:
                break
        self.sender.send("done", exit=int(self._has_failed))
        sys.stdout.flush()
        os._exit(0)


def serve(config: dict[str, Any], pipes: dict[str, int], fingerprint: Any) -> None:
    """Collect all tests and wait for orders; ends where nothing can be collected."""
    import pytest

    ctypes.CDLL(None).prctl(_worker.PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    null = os.open(os.devnull, os.O_RDWR)
    for target in (0, 1, 2):  # nobody reads what is printed at collection
        os.dup2(null, target)
    plugin = Warm(config, pipes, fingerprint)
    files = [path for path in config["warm"] if os.path.exists(os.path.join(config["workdir"], path))]
    arguments = _worker.pytest_arguments({**config, "tracebacks": "native"})
    pytest.main([*arguments, "--capture=no", *files], plugins=[plugin])
    os._exit(1)
