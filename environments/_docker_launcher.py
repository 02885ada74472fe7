"""Our side of the launcher in a container (`_holder_inside.py`): starts it, and hands it mounts of this machine."""

import ctypes
import json
import os
import select
import shutil
import socket
import struct
import tarfile
import tempfile
import time
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from environments import _holder, _seccomp
from environments._bwrap import device_parts
from environments._docker_diff import Chunks
from environments._docker_images import OWNER_LABEL, owner_label
from environments._host_programs import host_programs
from environments._image_user import ImageUser, groups_of, user_of
from environments._launcher import Launcher
from environments.errors import BackendUnavailable, SandboxGone

if TYPE_CHECKING:
    from environments.docker import Daemon

HERE = "/dev/gristmill"  # on a tmpfs of the container's own, so that nothing of it is seen in an overlay of its root
DISK, SYS = f"{HERE}/disk", f"{HERE}/sys"
_CODE, _HOST, _LINK = f"{HERE}/code", f"{HERE}/host", f"{HERE}/link"
_START_TIMEOUT_SEC = 60.0
_LOOK_SEC = 0.5
# What mounts, namespaces for all users of an image and the end of their processes take.
_CAPABILITIES = (
    *("SYS_ADMIN", "SYS_CHROOT", "NET_ADMIN", "SETFCAP", "SETUID", "SETGID"),
    *("CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL"),
)
_NEEDED_CALLS = {"mount", "umount2", "unshare", "setns", "pivot_root", "mount_setattr", "move_mount", "open_tree"}
_PROCESSES = 4096  # of all sandboxes before they are in control groups of their own
_SYS_OPEN_TREE, _SYS_MOUNT_SETATTR = 428, 442
_OPEN_TREE_CLONE, _AT_RECURSIVE, _AT_EMPTY_PATH, _MOUNT_ATTR_IDMAP = 1, 0x8000, 0x1000, 0x100000
_ENV = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC0", "TZDIR": _CODE}
_libc = ctypes.CDLL(None, use_errno=True)


class ContainerLauncher(Launcher):
    """One container with its launcher; it is begun once and, when it has ended, of no more use."""

    def __init__(self, daemon: "Daemon", bwrap: str, image: str) -> None:
        super().__init__(bwrap)
        self._daemon = daemon
        self._image = image
        self._root = -1
        self.container = f"gristmill-kept-{uuid.uuid4().hex[:12]}"
        self.user = ImageUser()
        self.owners = -1  # a user namespace in which root is `user`; there is none for root itself

    @property
    def is_running(self) -> bool:
        return self._is_running()

    def begin(self, user: str, env: Iterable[str]) -> Path:
        """Start it; the image's root folder, to be looked at from here (blocking).

        `user`: as the image tells it; `env`: names of the image's variables, none of which our programs shall see.

        Raises BackendUnavailable where it can not be; UnsupportedSpec where the image has no such user.
        """
        folder = Path(tempfile.mkdtemp(prefix="gristmill-link-"))
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
                listener.bind(os.fspath(folder / "socket"))
                listener.listen(1)
                self._daemon.told(lambda: self._run(folder, env))
                self._control = self._accepted(listener)
            self._owner_pid = os.getpid()
            return self._introduced(self._control, user)
        except BaseException:
            self.close()
            self._daemon.remove(self.container)
            raise
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        super().close()
        with self._lock:
            for fd in (self._root, self.owners):
                if fd >= 0:
                    os.close(fd)
            self._root = self.owners = -1

    def _is_running(self) -> bool:
        if self._control is None or self._owner_pid != os.getpid():
            return False
        poller = select.poll()  # it never speaks by itself: whatever can be read is its end
        poller.register(self._control, select.POLLIN)
        return not poller.poll(0)

    def _start(self) -> None:
        raise BackendUnavailable(f"docker: the container {self.container} has ended")

    def _run(self, folder: Path, env: Iterable[str]) -> None:
        api = self._daemon.api
        api.create_container_from_config(self._config(folder, env), self.container)
        try:  # what it names would be loaded into our own programs
            chunks, _ = api.get_archive(self.container, "/etc/ld.so.preload")
            with tarfile.open(fileobj=Chunks(chunks), mode="r|") as tar:
                if (member := tar.next()) is None or member.size or not member.isreg():
                    raise BackendUnavailable("the image has an /etc/ld.so.preload")
        except self._daemon.not_found:
            pass
        api.start(self.container)

    def _config(self, folder: Path, env: Iterable[str]) -> dict[str, Any]:
        programs = host_programs(self._bwrap, _HOST)
        sources = {_LINK: os.fspath(folder), _CODE: os.fspath(Path(_holder.__file__).parent)}
        sources |= {_HOST + source: source for source in programs.folders}
        profile = {
            "defaultAction": "SCMP_ACT_ALLOW",
            "syscalls": [{"names": sorted(_seccomp.REFUSED - _NEEDED_CALLS), "action": "SCMP_ACT_ERRNO"}],
        }
        security = ["apparmor=unconfined", "label=disable", f"seccomp={json.dumps(profile)}"]
        host = {
            "AutoRemove": True,
            "ReadonlyRootfs": True,
            "CapDrop": ["ALL"],
            "CapAdd": list(_CAPABILITIES),
            "SecurityOpt": security,
            "MaskedPaths": [],  # with any a sandbox could have no /proc of its own; that has its own closed
            "ReadonlyPaths": [],
            "UsernsMode": "host",
            "NetworkMode": "none",
            "PidsLimit": _PROCESSES,
            "Mounts": [
                {"Type": "volume", "Target": DISK},  # the daemon's, and removed with the container
                *({"Type": "bind", "Source": sources[at], "Target": at, "ReadOnly": True} for at in sorted(sources)),
            ],
            "LogConfig": {"Type": "none"},
        }
        return {
            "User": "0",
            "Entrypoint": [*programs.python, f"{_CODE}/_holder_inside.py", f"{_LINK}/socket"],
            "Cmd": None,
            "Image": self._image,
            "Hostname": "sandbox",
            "NetworkDisabled": True,
            "WorkingDir": "/",
            # A name alone takes an image's variable away; what a C library looks for in files, it finds with us.
            "Env": [*(name for name in env if name not in _ENV), *(f"{name}={value}" for name, value in _ENV.items())],
            "Healthcheck": {"Test": ["NONE"]},
            "Labels": {OWNER_LABEL: owner_label()},
            "HostConfig": host,
        }

    def _accepted(self, listener: socket.socket) -> socket.socket:
        until = time.monotonic() + _START_TIMEOUT_SEC
        listener.settimeout(_LOOK_SEC)
        while time.monotonic() < until:
            try:
                return listener.accept()[0]
            except TimeoutError:
                try:
                    state = self._daemon.told(lambda: self._daemon.api.inspect_container(self.container))["State"]
                except SandboxGone:
                    state = {"Running": False}
                if not state["Running"]:
                    raise BackendUnavailable("this machine's Python does not run in the image's container") from None
        raise BackendUnavailable(f"the container's launcher did not answer within {_START_TIMEOUT_SEC:g} s")

    def _introduced(self, control: socket.socket, user: str) -> Path:
        control.settimeout(_START_TIMEOUT_SEC)
        _, fds = _holder.receive(control)
        if not fds:
            raise BackendUnavailable("the container's launcher ended at once")
        self._root = fds[0]
        root = Path(f"/proc/self/fd/{self._root}")
        self.user = user_of(root, user)
        ids = [self.user.uid, self.user.gid, self.user.gid, *groups_of(root, user)]
        told = {"bwrap": host_programs(self._bwrap, _HOST).bwrap, "own": device_parts(), "user": ids, "sys": SYS}
        owner = os.pidfd_open(os.getpid())
        try:
            socket.send_fds(control, [json.dumps(told).encode()], [owner])
        finally:
            os.close(owner)
        while True:
            data, fds = _holder.receive(control)
            if fds:
                self.owners = fds[0]
                continue
            problem = json.loads(data)["problem"] if data else "it ended at once"
            if problem:
                raise BackendUnavailable(f"the container's launcher can not work: {problem}")
            return root


def mounts_of(sources: Sequence[tuple[Path, int]]) -> list[int]:
    """Of each folder or file with the `owners` of `mount_of`; all or none. Raises OSError."""
    made: list[int] = []
    try:
        for source, owners in sources:
            made.append(mount_of(source, owners))
    except OSError:
        for fd in made:
            os.close(fd)
        raise
    return made


def mount_of(source: Path, owners: int = -1) -> int:
    """A mount of this folder or file that is nowhere yet, by descriptor; it can be placed in any mount namespace.

    `owners`: a user namespace by which the files' owners are changed (mount_setattr(2), MOUNT_ATTR_IDMAP). Raises
    OSError, also where the file system knows of no such change.
    """
    flags = _OPEN_TREE_CLONE | _AT_RECURSIVE | os.O_CLOEXEC
    fd: int = _libc.syscall(_SYS_OPEN_TREE, _holder.AT_FDCWD, os.fsencode(source), flags)
    if fd < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), os.fspath(source))
    if owners >= 0:
        change = struct.pack("QQQQ", _MOUNT_ATTR_IDMAP, 0, 0, owners)
        if _libc.syscall(_SYS_MOUNT_SETATTR, fd, b"", _AT_EMPTY_PATH | _AT_RECURSIVE, change, len(change)) != 0:
            code = ctypes.get_errno()
            os.close(fd)
            raise OSError(code, os.strerror(code), os.fspath(source))
    return fd
