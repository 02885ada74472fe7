"""Ceilings for a group of processes by Linux control groups, version 1 or 2; whichever this machine gives us.

Names carry the owner (pid and start time), so that groups of dead owners are found and removed.
"""

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from environments._owner import is_alive, owner_mark
from environments.spec import Limits

_GROUP = "gristmill"
_CONTROLLERS = ("memory", "pids", "cpu")
_CPU_PERIOD_USEC = 100_000
# The holder and, for each command, bwrap and the first process of its namespace: not the sandbox's own.
_PIDS_OF_OURS = 8


@dataclass(frozen=True)
class Cgroup:
    """The folders of one group: one a controller in version 1, one for all in version 2."""

    folders: dict[str, Path]
    is_v2: bool

    def procs_files(self) -> list[Path]:
        return [folder / "cgroup.procs" for folder in dict.fromkeys(self.folders.values())]

    def oom_kills(self) -> int:
        """How many processes the memory limit has killed so far; 0 without a memory controller."""
        folder = self.folders.get("memory")
        if folder is None:
            return 0
        words = _read(f"{folder}/{'memory.events' if self.is_v2 else 'memory.oom_control'}").split()
        return int(words[words.index(b"oom_kill") + 1]) if b"oom_kill" in words else 0

    def holds_only(self, pid: int) -> bool:
        """Whether this process is in the group, and no other."""
        return all(_pids(procs) == [pid] for procs in self.procs_files())

    def kill(self) -> None:
        """SIGKILL to every process in the group; each by a handle, so that a reused pid is never hit."""
        for procs in self.procs_files():
            for pid in _pids(procs):
                try:
                    handle = os.pidfd_open(pid)
                except ProcessLookupError:
                    continue
                try:
                    if pid in _pids(procs):
                        signal.pidfd_send_signal(handle, signal.SIGKILL)
                except ProcessLookupError:
                    pass  # it ended by itself
                finally:
                    os.close(handle)

    def remove(self) -> bool:
        """Remove the (empty) group; False while processes are still in it."""
        removed = True
        for folder in dict.fromkeys(self.folders.values()):
            try:
                folder.rmdir()
            except FileNotFoundError:
                continue
            except OSError:
                removed = False
        return removed


@dataclass(frozen=True)
class CgroupTree:
    """Where this process may make groups."""

    parents: dict[str, Path]
    is_v2: bool

    def create(self, name: str, limits: Limits) -> Cgroup:
        """A group called `name` under this process's mark, with the limits set."""
        group = self._group(f"{owner_mark()}-{name}")
        for folder in dict.fromkeys(group.folders.values()):
            folder.mkdir()
        for controller, folder in group.folders.items():
            for file, value in self._settings(controller, limits):
                if (folder / file).exists():
                    (folder / file).write_text(value)
        return group

    def sweep(self) -> int:
        """Kill and remove the groups of owners that are dead; returns how many."""
        names = {folder.name for parent in self.parents.values() for folder in parent.iterdir() if folder.is_dir()}
        count = 0
        for name in names:
            mark = name.rsplit("-", 1)[0]
            if is_alive(mark):
                continue
            group = self._group(name)
            group.kill()
            end = time.monotonic() + 5
            while not (removed := group.remove()) and time.monotonic() < end:
                time.sleep(0.01)
            count += removed
        return count

    @property
    def missing_controllers(self) -> list[str]:
        return [controller for controller in _CONTROLLERS if controller not in self.parents]

    def _group(self, name: str) -> Cgroup:
        return Cgroup({controller: parent / name for controller, parent in self.parents.items()}, self.is_v2)

    def _settings(self, controller: str, limits: Limits) -> Iterator[tuple[str, str]]:
        memory = str(limits.memory_mb << 20)
        quota = str(max(1000, int(limits.cpus * _CPU_PERIOD_USEC)))
        if controller == "pids":
            yield "pids.max", str(limits.pids + _PIDS_OF_OURS)
        elif controller == "memory" and self.is_v2:
            yield from (("memory.max", memory), ("memory.swap.max", "0"))
        elif controller == "memory":
            yield from (("memory.limit_in_bytes", memory), ("memory.memsw.limit_in_bytes", memory))
        elif controller == "cpu" and self.is_v2:
            yield "cpu.max", f"{quota} {_CPU_PERIOD_USEC}"
        elif controller == "cpu":
            yield from (("cpu.cfs_period_us", str(_CPU_PERIOD_USEC)), ("cpu.cfs_quota_us", quota))


def find_tree() -> CgroupTree | None:
    """The tree to make groups in, or None where this process may make none."""
    return _find_v1() or _find_v2()


def _find_v1() -> CgroupTree | None:
    parents: dict[str, Path] = {}
    for _, mount_point, kind, options in _mounts():
        if kind != "cgroup":
            continue
        for controller in set(options.split(",")) & set(_CONTROLLERS):
            parent = Path(mount_point) / _GROUP
            if _make(parent):
                parents[controller] = parent
    return CgroupTree(parents, is_v2=False) if "memory" in parents or "pids" in parents else None


def _find_v2() -> CgroupTree | None:
    """The nearest folder above our own group that we may write to and whose controllers can be handed down.

    Our own group holds this process, and a group with processes can not have children with limits.
    """
    mount_point = next((Path(point) for _, point, kind, _ in _mounts() if kind == "cgroup2"), None)
    if mount_point is None:
        return None
    own = next(
        (line[3:].strip() for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::")), "/"
    )
    folder = mount_point / own.strip("/")
    for candidate in (*folder.parents,) if folder != mount_point else (mount_point,):
        if candidate != mount_point and mount_point not in candidate.parents:
            break
        parent = candidate / _GROUP
        if (
            os.access(candidate / "cgroup.subtree_control", os.W_OK)
            and _enable(candidate)
            and _make(parent)
            and _enable(parent)
        ):
            enabled = (parent / "cgroup.subtree_control").read_text().split()
            return CgroupTree({name: parent for name in _CONTROLLERS if name in enabled}, is_v2=True)
    return None


def _enable(folder: Path) -> bool:
    """Hand the controllers down to the children of `folder`; True if memory and pids are."""
    control = folder / "cgroup.subtree_control"
    available = (folder / "cgroup.controllers").read_text().split()
    for controller in _CONTROLLERS:
        if controller in available and controller not in control.read_text().split():
            try:
                control.write_text(f"+{controller}")
            except OSError:
                continue  # not delegated to us, or the folder has processes of its own
    return {"memory", "pids"} <= set(control.read_text().split())


def _make(folder: Path) -> bool:
    try:
        folder.mkdir(exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def _pids(procs: Path) -> list[int]:
    try:
        return [int(line) for line in _read(os.fspath(procs)).split()]
    except OSError:
        return []


def _read(path: str) -> bytes:
    """All of a file of the kernel's; several are read for every command, which makes pathlib too slow."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        parts = []
        while part := os.read(fd, 1 << 16):
            parts.append(part)
        return b"".join(parts)
    finally:
        os.close(fd)


def _mounts() -> list[tuple[str, str, str, str]]:
    lines = Path("/proc/self/mounts").read_text().splitlines()
    return [(fields[0], fields[1], fields[2], fields[3]) for fields in (line.split(" ") for line in lines)]
