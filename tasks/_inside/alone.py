"""Each test by itself, in a fork of the process that has collected all: what one test leaves, no other finds.

In an ordinary run the first test that needs something kept for all (a cache, an object that lives on) makes it, and
that test alone is seen to run those lines. By itself, every test that needs it makes it.
"""

from __future__ import annotations

import collections
import gc
import json
import os
from typing import Any

from tasks._inside.reporter import Reporter


class Alone:
    """A plugin of pytest, beside the reporter. `coverage`: a running `coverage.Coverage`, best of a few files."""

    def __init__(self, coverage: Any, reporter: Reporter) -> None:
        self._coverage = coverage
        self._reporter = reporter
        self.masks: dict[str, dict[str, int]] = collections.defaultdict(dict)  # path -> test -> lines as a bit mask

    def pytest_runtestloop(self, session: Any) -> bool:
        gc.collect()
        gc.freeze()  # a collection in a fork would copy every page
        for item in session.items:
            if self._reporter.is_canary(item):
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
                continue
            self._reporter.sender.send("start", id=item.nodeid)
            seen = self._in_a_fork(item)
            for path, mask in seen.get("masks", {}).items():
                self.masks[path][item.nodeid] = mask
            self._reporter.sender.send("result", id=item.nodeid, outcome=seen.get("outcome", "error"),
                                       sec=seen.get("sec", 0.0), longrepr="")  # fmt: skip
        return True

    def _in_a_fork(self, item: Any) -> dict[str, Any]:
        """Nothing of a test that ends its process."""
        ours, theirs = os.pipe()
        pid, leave = os.fork(), os._exit
        if pid == 0:
            os.close(ours)
            self._reporter.pid = os.getpid()  # its sender stays silent
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
            with os.fdopen(theirs, "wb") as file:
                file.write(json.dumps({"masks": self._masks_of(item.nodeid), **self._reporter.last}).encode())
            leave(0)
        os.close(theirs)
        with os.fdopen(ours, "rb") as file:
            content = file.read()
        os.waitpid(pid, 0)
        return json.loads(content) if content else {}

    def _masks_of(self, test: str) -> dict[str, int]:
        self._coverage.stop()
        data = self._coverage.get_data()
        data.set_query_context(test)
        found = {path: data.lines(path) or () for path in data.measured_files()}
        return {path: sum(1 << line for line in lines) for path, lines in found.items() if lines}
