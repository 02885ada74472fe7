"""Containers that are kept: one an image, in which each sandbox is an overlay and namespaces of its own.

A container's start is nearly all of a short rollout's time, so it is paid once. The container's first process is the
launcher that bubblewrap's sandboxes have (`_holder_inside.py`); each sandbox is a holder of it: mounts over the
container's root, which is never written to, and a bwrap for each command. The container ends with its launcher, that
with our socket or with us.
"""

import asyncio
import errno
import os
import posixpath
import shutil
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from environments import _bwrap, _seccomp
from environments._docker_kept_sandbox import KeptSandbox
from environments._docker_launcher import DISK, SYS, ContainerLauncher, mounts_of
from environments._holder import BOX, GIVEN
from environments._holders import Holders, request_of
from environments._image_archive import MACHINES
from environments._image_root import ImageRoot
from environments._kept import Kept
from environments.cgroups import CgroupTree, find_tree
from environments.errors import BackendUnavailable, DaemonAway, EnvironmentFault
from environments.spec import SandboxSpec

if TYPE_CHECKING:
    from environments.docker import Daemon

_IDLE_SEC = 300.0
_LOOK_SEC = 5.0
_MOST_AGE_SEC = 12 * 3600.0
_MOST_IDLE = 8
_MOST_GIVEN = 12
_AGAIN_SEC = 600.0
_PROOF_SEC = 60.0
_HOSTS = "127.0.0.1\tlocalhost sandbox\n::1\tlocalhost\n"
_NO_SUCH_COMMAND = "/dev/gristmill/none"

Key = tuple[str, str]
"""An image's id, and the user that it names."""

_lock = threading.Lock()
_shared: dict[str, "KeptContainers"] = {}  # by the daemon's address


class _Container:
    """One that runs, and who uses it."""

    def __init__(self, launcher: ContainerLauncher, image: ImageRoot, tree: Callable[[], CgroupTree | None]) -> None:
        self.launcher = launcher
        self.image = image
        self.holders = Holders(launcher, tree)
        self.users = 1
        self.born = self.idle_since = time.monotonic()
        self.is_proven = False
        self.is_retired = False  # ends with its last user, who may still look at its files


class KeptContainers:
    """Those of one daemon. Each ends when nobody has used it for some minutes, and with this process."""

    def __init__(self, daemon: "Daemon", url: str | None) -> None:
        self._daemon = daemon
        self._url = url
        self._bwrap = shutil.which("bwrap") or ""
        self._lock = threading.Lock()
        self._making: dict[Key, threading.Lock] = {}
        self._containers: dict[Key, _Container] = {}
        self._pid = os.getpid()
        self._failed: dict[Key, tuple[str, float]] = {}
        self._layers_failed = ""
        self._is_watched = False
        self._tree: list[CgroupTree | None] = []

    def problem(self) -> str:
        """Why no container is kept here, whatever the spec; empty where nothing speaks against it."""
        tree = self._cgroup_tree()
        if os.geteuid() != 0:
            return "only root may hand folders to a container that runs"
        if not self._bwrap:
            return "bubblewrap is not installed: apt-get install bubblewrap"
        if not _seccomp.program():
            return "the numbers of this machine's system calls are not known"
        if tree is None or {"memory", "pids"} & set(tree.missing_controllers):
            return "no control groups can be made here for memory and processes"
        if self._url is not None and not self._url.startswith("unix://"):
            return "the daemon is on another machine"
        return ""

    def problem_of(self, spec: SandboxSpec, info: dict[str, Any], user: str) -> str:
        """Why a sandbox of this spec has a container of its own; empty where it can be in a kept one."""
        if problem := self.problem():
            return problem
        problem, since = self._failed.get((str(info["Id"]), user), ("", 0.0))
        if problem and time.monotonic() - since < _AGAIN_SEC:
            return problem
        if spec.network:
            return "a network is the container's own"
        if info.get("Architecture") != MACHINES.get(os.uname().machine):
            return "the image is of another architecture"
        if spec.layers and (self._layers_failed or any(layer.stat().st_uid != 0 for layer in spec.layers)):
            return self._layers_failed or "a layer belongs to another user"
        if len(spec.layers) + len(spec.mounts) > _MOST_GIVEN:
            return "it has more layers and mounts than can be handed over"
        return ""

    async def start(
        self, name: str, spec: SandboxSpec, info: dict[str, Any], user: str, *, is_plain: bool
    ) -> KeptSandbox:
        """`info`, `user`: the daemon's description of the image, and whom its commands run as.

        Raises BackendUnavailable or UnsupportedSpec where only a container of its own can be the sandbox.
        """
        key = (str(info["Id"]), user)
        container = self._used(key)
        if container is None:
            container = await self._daemon.change(lambda: self._container(key, info))
        uses = [container]

        def left() -> None:
            if uses:
                self._left(uses.pop())

        try:
            sandbox = await self._sandbox(name, spec, container, left, is_plain=is_plain)
            if not container.is_proven:
                await self._prove(container, sandbox)
        except BaseException as error:
            left()
            if isinstance(error, BackendUnavailable) and not container.is_proven:
                self._failed[key] = str(error), time.monotonic()
            raise
        return sandbox

    def close(self) -> None:
        """End those that nobody uses, and wait until they are gone."""
        with self._lock:
            keys = [key for key, each in self._containers.items() if each.users == 0]
            gone = [self._containers.pop(key) for key in keys]
        for container in gone:
            container.holders.close()
            self._daemon.is_removed(container.launcher.container, 10.0)

    def sweep(self) -> int:
        """Remove the control groups of dead owners, whose containers have ended by themselves; returns how many."""
        tree = self._cgroup_tree()
        return tree.sweep() if tree is not None else 0

    async def _sandbox(
        self, name: str, spec: SandboxSpec, container: _Container, left: Callable[[], None], *, is_plain: bool
    ) -> KeptSandbox:
        image = container.image
        workdir = image.resolved(posixpath.normpath(spec.workdir))
        own = image.root / workdir.lstrip("/")
        shown = workdir if own.is_dir() else None
        layers = [layer.resolve() for layer in spec.layers]
        # Those that are only read are baked into the image.
        mounts = sorted((mount for mount in spec.mounts if not mount.read_only), key=lambda mount: mount.target)
        tree: list[_bwrap.Step] = [("writable", _bwrap.HOME, f"{BOX}/home")] if is_plain else []
        for at, mount in enumerate(mounts, len(layers)):
            tree.append(("writable", image.resolved(mount.target), f"{GIVEN}/{at}"))
        request = request_of(
            spec,
            disk=DISK,
            layers=[*([shown] if shown else []), *(f"{GIVEN}/{at}" for at in range(len(layers)))],
            workdir=workdir,
            image={"root": "/", "tree": _image_tree(), "workdir": shown},
            tree=tree,
        )
        firsts: Sequence[Path] = [own, *layers] if shown else layers

        def given() -> Sequence[int]:
            as_user = [(layer, container.launcher.owners) for layer in layers]
            return mounts_of([*as_user, *((each.source.resolve(), -1) for each in mounts)])

        def make(holder: Kept) -> KeptSandbox:
            kept = container.holders.kept
            return KeptSandbox(name, spec, holder, kept, firsts, image, is_plain=is_plain, stopped=left)

        try:
            return await container.holders.sandbox(name, spec, request, make, given)
        except OSError as error:
            why = f"a folder can not be handed to a container that runs: {error.strerror}"
            if error.errno in (errno.EINVAL, errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP):
                self._layers_failed = why
            raise BackendUnavailable(f"docker: {why}") from error

    async def _prove(self, container: _Container, sandbox: KeptSandbox) -> None:
        """That bwrap works there, by a command that no image has. Raises BackendUnavailable."""
        try:
            done = await sandbox.run([_NO_SUCH_COMMAND], timeout_sec=_PROOF_SEC)
            if done.exit_code != 127:
                raise BackendUnavailable(f"docker: no command runs in a kept container: {done.stderr.strip()}")
            container.is_proven = True
        except BaseException as error:
            await asyncio.shield(sandbox.stop())
            if isinstance(error, EnvironmentFault):
                raise BackendUnavailable(str(error)) from error
            raise

    def _container(self, key: Key, info: dict[str, Any]) -> _Container:
        """The one of this key that runs, or a new one; counted as used (blocking)."""
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        with making:
            if (container := self._used(key)) is not None:
                return container
            config = info.get("Config") or {}
            env = dict(each.split("=", 1) for each in config.get("Env") or () if "=" in each)
            launcher = ContainerLauncher(self._daemon, self._bwrap, key[0])
            try:
                root = launcher.begin(key[1], env)
            except DaemonAway:
                raise
            except (EnvironmentFault, OSError) as error:
                self._failed[key] = str(error), time.monotonic()
                raise BackendUnavailable(f"docker: no container can be kept: {error}") from error
            image = ImageRoot(key[0], root, env, config.get("WorkingDir") or "/", launcher.user)
            made = _Container(launcher, image, self._cgroup_tree)
            with self._lock:
                self._containers[key] = made
                is_watched, self._is_watched = self._is_watched, True
            if not is_watched:
                threading.Thread(target=_watch, args=(weakref.ref(self),), name="docker-kept", daemon=True).start()
            return made

    def _used(self, key: Key) -> _Container | None:
        """The one that runs, counted as used."""
        with self._lock:
            if self._pid != os.getpid():  # forked: they are our parent's
                self._containers, self._making, self._pid, self._is_watched = {}, {}, os.getpid(), False
            container = self._containers.get(key)
            if container is None:
                return None
            if container.launcher.is_running and time.monotonic() - container.born < _MOST_AGE_SEC:
                container.users += 1
                return container
            container.is_retired = True
            del self._containers[key]
            is_unused = container.users == 0
        if is_unused:
            container.holders.close()
        return None

    def _left(self, container: _Container) -> None:
        with self._lock:
            container.users -= 1
            container.idle_since = time.monotonic()
            is_over = container.users == 0 and container.is_retired
        if is_over:
            container.holders.close()

    def end_idle(self) -> bool:
        """Those that nobody has used for long, and the least lately used of too many; whether any is left."""
        now = time.monotonic()
        with self._lock:
            idle = sorted((each.idle_since, key) for key, each in self._containers.items() if each.users == 0)
            most = len(idle) - _MOST_IDLE
            ends = [key for at, (since, key) in enumerate(idle) if at < most or now - since > _IDLE_SEC]
            gone = [self._containers.pop(key) for key in ends]
            self._is_watched = self._is_watched and bool(self._containers)
            is_watched = self._is_watched
        for container in gone:
            container.holders.close()
        return is_watched

    def _cgroup_tree(self) -> CgroupTree | None:
        if not self._tree:
            self._tree.append(find_tree())
        return self._tree[0]


def shared_containers(daemon: "Daemon", url: str | None) -> KeptContainers:
    """Those that all backends of this process share: each batch of rollouts has one of its own."""
    with _lock:
        if (url or "") not in _shared:
            _shared[url or ""] = KeptContainers(daemon, url)
        return _shared[url or ""]


def _watch(kept: "weakref.ref[KeptContainers]") -> None:
    """In a thread of its own: nobody else may be there when all is idle. It holds nothing up, and nobody alive."""
    while (each := kept()) is not None and each.end_idle():
        del each
        time.sleep(_LOOK_SEC)


def _image_tree() -> list[_bwrap.Step]:
    """What is laid over the image's files."""
    steps: list[_bwrap.Step] = [("copy", "/dev", f"{BOX}/dev"), ("writable", "/tmp", f"{BOX}/tmp")]
    steps += [("text", "/etc/hosts", _HOSTS), ("text", "/etc/hostname", "sandbox\n")]
    return [*steps, ("read-only", "/sys", SYS)]
