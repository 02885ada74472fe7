"""Task folders of the suites that the dashboard was shown: the store has no instructions, tests or references."""

import threading
from collections.abc import Iterable
from pathlib import Path

from environments.errors import EnvironmentFault
from tasks.errors import TaskFault
from tasks.suite import Suite, open_suite
from tasks.task import Task


class Suites:
    """Finds a suite by its hash. A folder is read again when its manifest has changed."""

    def __init__(self, folders: Iterable[Path], cache: Path) -> None:
        self._folders = tuple(folders)
        self._cache = cache.expanduser().absolute()
        self._lock = threading.Lock()
        self._opened: dict[Path, tuple[int, Suite | None]] = {}

    def find(self, suite_hash: str) -> Suite | None:
        """None: none of the folders is this version of that suite."""
        return next((suite for suite in self._all() if suite.manifest.hash == suite_hash), None)

    def task(self, suite_hash: str, task_id: str) -> tuple[Task | None, str]:
        """The task as its folder says, or why it cannot be shown."""
        suite = self.find(suite_hash)
        if suite is None:
            return None, "The suite's folder is not known here: start the dashboard with --suite FOLDER to see more."
        try:
            return suite.task(task_id), ""
        except (TaskFault, EnvironmentFault, OSError) as fault:
            return None, str(fault)

    def _all(self) -> list[Suite]:
        with self._lock:
            return [suite for folder in self._folders if (suite := self._open(folder)) is not None]

    def _open(self, folder: Path) -> Suite | None:
        try:
            changed = (folder / "suite.json").stat().st_mtime_ns
        except OSError:
            changed = 0  # a folder of tasks by others has no manifest: it is read once
        kept = self._opened.get(folder)
        if kept is None or kept[0] != changed:
            try:
                suite: Suite | None = open_suite(folder, cache=self._cache)
            except (TaskFault, OSError):
                suite = None  # being written, or removed: not shown until its manifest changes
            kept = self._opened[folder] = (changed, suite)
        return kept[1]
