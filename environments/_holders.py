"""Holders put to use: one that waits from an earlier sandbox, or a new one of a launcher, in control groups."""

import asyncio
import contextlib
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from environments._bwrap_sandbox import BubblewrapSandbox
from environments._holder_link import end_holder
from environments._kept import Kept, KeptHolders
from environments._launcher import Launcher, ask, join
from environments.cgroups import Cgroup, CgroupTree
from environments.errors import BackendUnavailable
from environments.spec import SandboxSpec

_INODES_PER_MB = 256

Made = TypeVar("Made", bound=BubblewrapSandbox)


class Holders:
    """Those of one launcher. `tree`: where control groups can be made, if anywhere."""

    def __init__(self, launcher: Launcher, tree: Callable[[], CgroupTree | None]) -> None:
        self.launcher = launcher
        self.kept = KeptHolders()
        self._tree = tree

    async def sandbox(
        self,
        name: str,
        spec: SandboxSpec,
        request: dict[str, Any],
        make: Callable[[Kept], Made],
        given: Callable[[], Sequence[int]] = tuple,
    ) -> Made:
        """A sandbox that `make` gives for its holder, ready. `given`: mounts of ours by descriptor, for one holder.

        Raises BackendUnavailable.
        """
        if not spec.services and (kept := self.kept.take(spec.limits)) is not None:
            with contextlib.suppress(OSError, BackendUnavailable):  # it may have ended meanwhile
                return await self._ready(self._asked(kept, request, given()), make)
        return await self._ready(self._fresh(name, spec, request, given()), make)

    def close(self) -> None:
        """Running sandboxes are not touched."""
        self.kept.close()
        self.launcher.close()

    async def _ready(self, holder: Kept, make: Callable[[Kept], Made]) -> Made:
        sandbox = make(holder)
        try:
            await sandbox.wait_until_ready()
            await sandbox.start_services()
        except BaseException:
            await asyncio.shield(sandbox.stop() if sandbox.is_ready else end_holder(holder))
            raise
        return sandbox

    def _asked(self, kept: Kept, request: dict[str, Any], given: Sequence[int]) -> Kept:
        """A holder that waited, in its control groups, set to build this sandbox. Raises OSError where it has ended."""
        try:
            ask(kept.control, request, given)
            join(kept.control, [])  # it is there already
        except OSError:
            self.kept.end(kept)
            raise
        finally:
            _close(given)
        return replace(kept, uses=kept.uses + 1)

    def _fresh(self, name: str, spec: SandboxSpec, request: dict[str, Any], given: Sequence[int]) -> Kept:
        """A holder that builds this sandbox, in new control groups. Raises BackendUnavailable."""
        tree = self._tree()
        try:
            control = self.launcher.holder(request, given)
        finally:
            _close(given)
        cgroup: Cgroup | None = None
        try:
            cgroup = tree.create(name, spec.limits) if tree else None  # while the holder mounts
            join(control, cgroup.procs_files() if cgroup else [])
        except BaseException:
            control.close()
            if cgroup is not None:
                cgroup.remove()
            raise
        return Kept(control, cgroup, spec.limits)


def request_of(spec: SandboxSpec, *, disk: str | None = None, **parts: Any) -> dict[str, Any]:
    """What a holder is asked for. `parts`: layers, workdir, image and tree, by the names that its namespace has.

    `disk`: where the sandbox's files go, if not into memory.
    """
    return {
        **parts,
        "disk": disk,
        "disk_mb": spec.limits.disk_mb,
        "inodes": max(16384, spec.limits.disk_mb * _INODES_PER_MB),
        "lifetime_sec": spec.limits.lifetime_sec,
        "userxattr": os.geteuid() != 0,
        "own_network": bool(spec.services),
    }


def _close(fds: Sequence[int]) -> None:
    for fd in fds:
        os.close(fd)
