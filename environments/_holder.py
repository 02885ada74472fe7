"""The process that keeps a sandbox's mounts; run as a script of its own, with nothing but the standard library.

A launcher (one a backend) waits for requests on a socket and forks a holder for each. A holder lives in
a mount namespace of its own, in the sandbox's cgroups; it owns the tmpfs and the overlay, forks each
command and reports its end. It ends, and with it all that it holds, when its socket is closed, when
the owner is dead or when the sandbox's lifetime is over: so nothing is left after a kill -9.
Forking from a small process that has all it needs in memory is what makes a start cheap (about 1 ms).
"""

import contextlib
import ctypes
import errno
import fcntl
import gc
import json
import os
import select
import shutil
import signal
import socket
import stat
import struct
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

# Covered by a tmpfs in our own mount namespace: it is always there, and no sandbox is made of what lies in it.
STAGE = "/sys"
BOX = f"{STAGE}/box"
ROOT = f"{BOX}/root"  # the sandbox's file tree
SHARED = f"{STAGE}/shared"  # the part of it that is the same in all, made once; each holder copies its mounts
GIVEN = f"{BOX}/given"  # where what came by descriptor is mounted, each under its number
ARGS_FD, STATUS_FD, FILTER_FD, USERS_FD = 10, 9, 8, 11
MAX_FDS = 16
MOST_COUNTED = 256  # processes of a command that is killed: a fork bomb is to end at once
FOLDERS = {"root": 0o755, "upper": 0o755, "work": 0o755, "merged": 0o755, "home": 0o700, "tmp": 0o1777, "shm": 0o1777}
FOLDERS |= {"imageupper": 0o755, "imagework": 0o755, "dev": 0o755}  # for sandboxes of an image
WRITTEN = ("upper", "work", "imageupper", "imagework")
SHARED_FOLDERS = ("merged", "home", "tmp")
HOST_FILES = ("ld.so.cache", "localtime", "mime.types", "protocols", "services", "nsswitch.conf")

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x00020000, 0x10000000, 0x40000000
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
SERVICE_OOM_SCORE = b"500"  # a hungry command is to end before the service that it uses
MS_NOSUID, MS_NODEV, MS_REMOUNT, MS_BIND, MS_REC, MS_SLAVE = 2, 4, 0x20, 0x1000, 0x4000, 1 << 19
MNT_DETACH = 2
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV = 1, 2, 4
AT_FDCWD, AT_RECURSIVE, SYS_MOUNT_SETATTR = -100, 0x8000, 442
SYS_MOVE_MOUNT, MOVE_MOUNT_F_EMPTY_PATH = 429, 4
PR_SET_CHILD_SUBREAPER = 36
RLIMIT_FSIZE = 1
_libc = ctypes.CDLL(None, use_errno=True)


Steps = list[list[str]]  # kind, target, source


class User(NamedTuple):
    """Whom commands run as where that is not the launcher's own user; `namespace`: a user namespace for them."""

    uid: int
    gid: int
    groups: tuple[int, ...]
    namespace: int


def main(socket_fd: int, owner_pid: int, bwrap: str, shared: Steps, own: Steps) -> None:
    launch(socket.socket(fileno=socket_fd), os.pidfd_open(owner_pid), [bwrap], shared, own)


def launch(
    control: socket.socket,
    owner: int,
    bwrap: list[str],
    shared: Steps,
    own: Steps,
    first: "Callable[[], User] | None" = None,
) -> None:
    """The launcher: makes the stage that all sandboxes share, then forks a holder for each request.

    `shared` builds what is the same in every sandbox, `own` what every sandbox has one of. `owner`: a pidfd. `bwrap`:
    the words that its command line begins with. `first`: called in our own mount namespace, before the stage covers
    anything; whom it gives, commands run as.
    """
    gc.disable()  # a collection would write to every object, and so copy all memory that a fork shares
    os.umask(0o022)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    problem, user = "", None
    try:
        _own_namespaces()
        user = first() if first else None
        _make_stage()
        _build(shared, SHARED)
        names = sorted(os.listdir(SHARED))  # noqa: PTH208
        for name in names:
            if not os.path.ismount(f"{SHARED}/{name}"):
                _bind(f"{SHARED}/{name}", f"{SHARED}/{name}")
                _set_attributes(f"{SHARED}/{name}", is_read_only=True, is_recursive=False)
    except OSError as error:
        problem = f"{error.strerror}: {error.filename or ''}"
    control.send(json.dumps({"problem": problem}).encode())
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # holders are reaped by the kernel
    while owner not in _ready_fds(control, owner):
        data, fds = receive(control)
        if not data:
            return
        if os.fork() == 0:
            control.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _Holder(socket.socket(fileno=fds[0]), owner, bwrap, user).serve(names, own)
        for fd in fds:
            os.close(fd)


class _Holder:
    """One sandbox: its mounts and its commands."""

    def __init__(self, control: socket.socket, owner: int, bwrap: list[str], user: User | None) -> None:
        self._control = control
        self._owner = owner
        self._bwrap = bwrap
        self._user = user
        self._self = os.pidfd_open(os.getpid())
        self._oom_score = os.open("/proc/self/oom_score_adj", os.O_RDWR | os.O_CLOEXEC)
        self._own_oom_score = os.pread(self._oom_score, 16, 0)
        self._commands: dict[int, tuple[int, str]] = {}  # pidfd -> (pid, the owner's name for the command)
        self._used: dict[int, float] = {}  # pid -> processor seconds of a command when it was killed
        self._written = BOX  # where what is written goes to, for all sandboxes that it serves

    def serve(self, shared: list[str], own: Steps) -> NoReturn:
        """As a spare, with all done that does not depend on the sandbox; then as its holder; and so again."""
        _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        without_sandbox = os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
        while True:
            lifetime_sec = self._begin(shared, own)  # it may have waited for long
            is_wanted_again = False
            try:
                try:
                    is_wanted_again = self._loop(time.monotonic() + lifetime_sec)
                finally:
                    self._kill_all()
                # With the last process in it the old namespace ends, and all that was mounted.
                _check(_libc.setns(without_sandbox, CLONE_NEWNS), "leave the mount namespace")
                if self._written != BOX:
                    _empty(self._written, for_good=not is_wanted_again)
            finally:
                if not is_wanted_again:
                    os._exit(0)
            self._say({"over": True})

    def _begin(self, shared: list[str], own: Steps) -> float:
        """Make the sandbox that is asked for; how long it may live, in seconds."""
        try:
            _prepare(shared, own)
            request, *given = self._next_files()
            spec = json.loads(_slurp(request))
            self._mount(spec, given)
            if spec["own_network"]:
                _make_network()
            for fd in self._next_files():
                os.write(fd, b"0")  # into its control groups
                os.close(fd)
            os.close(request)
        except OSError as error:
            self._say({"error": f"{error.strerror}: {error.filename or ''}"})
            while True:  # closed with words of the owner unread, ours would be lost
                self._next_files()
        self._share_folders()
        return float(spec["lifetime_sec"])

    def _next_files(self) -> list[int]:
        """The files that come with the owner's next message. Ends the process if the owner is gone."""
        if self._owner not in _ready_fds(self._control, self._owner):
            data, fds = receive(self._control)
            if data:
                return fds
        os._exit(0)

    def _mount(self, spec: dict[str, Any], given: list[int]) -> None:
        """What is this sandbox's own: its size, its working directory, its mounts; `given` are some of the owner's."""
        size = f"size={spec['disk_mb']}m,nr_inodes={spec['inodes']}"
        _check(_libc.mount(None, BOX.encode(), None, MS_REMOUNT | MS_NOSUID | MS_NODEV, size.encode()), "set the size")
        _place(given)
        if self._user is not None:
            os.chown(f"{BOX}/home", self._user.uid, self._user.gid)
        if spec["disk"] and self._written == BOX:
            self._written = _on_disk(spec["disk"], spec["disk_mb"])
        userxattr = spec["userxattr"]
        image = spec["image"]
        if image is not None:  # over what was made for a sandbox of this machine's own files
            _bind(f"{ROOT}/dev", f"{BOX}/dev")
            _mount_overlay(ROOT, [image["root"]], f"{self._written}/image", userxattr=userxattr)
            _build(image["tree"])
            if image["workdir"]:
                _take_after(f"{self._written}/upper", image["workdir"], has_owners=not userxattr)
        _mount_overlay(f"{BOX}/merged", spec["layers"], f"{self._written}/", userxattr=userxattr)
        _bind(f"{BOX}/merged", _mount_point(spec["workdir"]))
        _build(spec["tree"])
        if image is None:
            _set_attributes(ROOT, is_read_only=True, is_recursive=False)
        for at in range(len(given)):  # each command copies all mounts there are
            _check(_libc.umount2(f"{GIVEN}/{at}".encode(), MNT_DETACH), f"unmount {GIVEN}/{at}")

    def _share_folders(self) -> None:
        paths = [self._written, f"{self._written}/upper", *(f"{BOX}/{name}" for name in SHARED_FOLDERS)]
        folders = [os.open(path, os.O_RDONLY | os.O_DIRECTORY) for path in paths]
        socket.send_fds(self._control, [b'{"ready": true}'], [self._self, *folders])
        for fd in folders:
            os.close(fd)

    def _loop(self, end: float) -> bool:
        """Until its time is up or the owner is gone; True where the owner has only done with this sandbox."""
        poller = select.poll()
        poller.register(self._control, select.POLLIN)
        poller.register(self._owner, select.POLLIN)
        while (left := end - time.monotonic()) > 0:
            for fd, _ in poller.poll(left * 1000):
                if fd == self._owner:
                    return False
                if fd in self._commands:
                    poller.unregister(fd)
                    self._report(fd)
                    continue
                data, fds = receive(self._control)
                if not data:
                    return False
                verb, name = data.decode().split(" ")
                if verb == "end":
                    return True
                if verb in ("run", "serve"):
                    score = SERVICE_OOM_SCORE if verb == "serve" else b"1000"
                    if (pidfd := self._start(name, fds, score)) is not None:
                        poller.register(pidfd, select.POLLIN)
                elif verb == "kill":
                    self._kill(name)
        return False

    def _start(self, name: str, fds: list[int], oom_score: bytes) -> int | None:
        command = [os.fsdecode(part) for part in _slurp(fds[0]).split(b"\0")]
        high = [_dup_above(fd) for fd in fds[1:]]  # out of the way of the numbers that they shall have
        places = (ARGS_FD, FILTER_FD, 0, 1, 2, STATUS_FD)
        moves = [(os.POSIX_SPAWN_DUP2, fd, to) for fd, to in zip(high, places, strict=True)]
        if self._user is not None:
            moves.append((os.POSIX_SPAWN_DUP2, self._user.namespace, USERS_FD))
        argv = ["bwrap", *self._bwrap[1:], "--args", str(ARGS_FD), "--", *command]
        pidfd = None
        try:
            # The kernel, short of memory, shall end commands and not us; a child inherits what we are now.
            os.pwrite(self._oom_score, oom_score, 0)
            signals = [signal.SIGPIPE, signal.SIGINT]
            # posix_spawn copies no page tables; Python ignores SIGPIPE, and that would be inherited too.
            with _being(self._user):
                pid = os.posix_spawn(self._bwrap[0], argv, {"PATH": os.defpath}, file_actions=moves, setsigdef=signals)
            pidfd = os.pidfd_open(pid)
            self._commands[pidfd] = (pid, name)
        except OSError as error:
            if error.errno == errno.E2BIG:  # the command's own fault, told as a shell tells it
                os.write(high[4], b"bwrap: Argument list too long\n")
                self._say({"ended": name, "status": 126})
            else:
                self._say({"failed": name, "why": f"{self._bwrap[-1]}: {error.strerror}"})
        finally:
            os.pwrite(self._oom_score, self._own_oom_score, 0)
        for fd in (*fds, *high):
            os.close(fd)
        return pidfd

    def _report(self, pidfd: int) -> None:
        pid, name = self._commands.pop(pidfd)
        os.close(pidfd)
        _, status, used = os.wait4(pid, 0)
        cpu_sec = max(used.ru_utime + used.ru_stime + self._reap_orphans(), self._used.pop(pid, 0.0))
        self._say({"ended": name, "status": os.waitstatus_to_exitcode(status), "cpu_sec": cpu_sec})

    def _reap_orphans(self) -> float:
        """End and wait for what a dead bwrap left to us: the first process of its namespace, which all others end with.

        It ends with bwrap by itself, but where that was killed before it could ask the kernel for it: then it would
        wait for bwrap's word for ever. Returns their processor seconds.
        """
        cpu_sec = 0.0
        known = {pid for pid, _ in self._commands.values()}
        while orphans := _children() - known:
            for orphan in orphans:
                os.kill(orphan, signal.SIGKILL)  # ours until it is waited for: the number is no other's
                used = os.wait4(orphan, 0)[2]
                cpu_sec += used.ru_utime + used.ru_stime
        return cpu_sec

    def _kill(self, name: str) -> None:
        for pidfd, (pid, other) in self._commands.items():
            if other == name:
                # The kernel reaps what ends with its pid namespace, and counts none of it.
                self._used[pid] = _cpu_sec_of_tree(pid)
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)

    def _kill_all(self) -> None:
        for pidfd in self._commands:
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        for pidfd, (pid, _) in self._commands.items():
            os.waitpid(pid, 0)
            os.close(pidfd)
        self._commands.clear()
        self._used.clear()
        self._reap_orphans()

    def _say(self, message: dict[str, Any]) -> None:
        # If the owner has closed its end, the next poll tells us, and we end.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._control.send(json.dumps(message).encode())


@contextlib.contextmanager
def _being(user: User | None) -> Iterator[None]:
    """What is started meanwhile is that user's, and can not become us again: an exec forgets the saved ids."""
    if user is None:
        yield
        return
    os.setgroups(user.groups)
    os.setresgid(user.gid, user.gid, 0)
    os.setresuid(user.uid, user.uid, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)
        os.setresgid(0, 0, 0)
        os.setgroups([])


def _children() -> set[int]:
    with open(f"/proc/self/task/{os.getpid()}/children", "rb", buffering=0) as file:
        return {int(pid) for pid in file.read().split()}


def _cpu_sec_of_tree(pid: int) -> float:
    """Processor seconds of a process, of its descendants (as far as the limit) and of those they waited for."""
    ticks, found, pending = 0, 0, [pid]
    while pending and found < MOST_COUNTED:
        one = pending.pop()
        found += 1
        try:
            fields = Path(f"/proc/{one}/stat").read_bytes().rpartition(b")")[2].split()
            pending += map(int, Path(f"/proc/{one}/task/{one}/children").read_text().split())
        except OSError:
            continue  # it has ended
        ticks += sum(map(int, fields[11:15]))  # utime, stime, cutime, cstime (proc(5))
    return ticks / os.sysconf("SC_CLK_TCK")


def receive(control: socket.socket, most: int = 4096) -> tuple[bytes, list[int]]:
    """A message of at most `most` bytes with its descriptors, which nothing that is started then inherits.

    `socket.recv_fds` of Python 3.11 asks for that in vain: it drops its flags.
    """
    space = socket.CMSG_LEN(MAX_FDS * struct.calcsize("i"))
    data, parts, _, _ = control.recvmsg(most, space, socket.MSG_CMSG_CLOEXEC)
    fds: list[int] = []
    for level, kind, part in parts:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            fds += struct.unpack(f"{len(part) // 4}i", part[: len(part) // 4 * 4])
    return data, fds


def _ready_fds(control: socket.socket, owner: int) -> list[int]:
    poller = select.poll()
    poller.register(control, select.POLLIN)
    poller.register(owner, select.POLLIN)
    return [fd for fd, _ in poller.poll()]


def _own_namespaces() -> None:
    uid, gid = os.getuid(), os.getgid()
    if uid == 0:
        _check(_libc.unshare(CLONE_NEWNS), "unshare the mount namespace")
    else:
        _check(_libc.unshare(CLONE_NEWUSER | CLONE_NEWNS), "unshare the user namespace")
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    # What the host mounts later is seen here, what is mounted here is seen nowhere else.
    _check(_libc.mount(b"none", b"/", None, MS_REC | MS_SLAVE, None), "make the mounts private")


def new_users() -> None:
    _check(_libc.unshare(CLONE_NEWUSER), "unshare the user namespace")


def _make_network() -> None:
    """A loopback of the sandbox's own, for all its commands: where each had one, none would reach a service."""
    _check(_libc.unshare(CLONE_NEWNET), "unshare the network namespace")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", IFF_UP))


def _make_stage() -> None:
    """Read the few files of the host's /etc that programs need, before the stage covers anything."""
    # What is mounted there now would only be copied for every command. An ordinary user may not, and need not.
    _libc.umount2(STAGE.encode(), MNT_DETACH)
    _mount("tmpfs", STAGE, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=16m")
    for name in ("box", "empty", "etc", "shared"):
        Path(STAGE, name).mkdir()
    _mount("tmpfs", SHARED, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=1m")
    etc = Path(STAGE, "etc")
    for name in (
        "ld.so.cache",
        "localtime",
        "mime.types",
        "protocols",
        "services",
        "nsswitch.conf",
        "ca-certificates.conf",
    ):
        if Path("/etc", name).is_file():
            shutil.copyfile(f"/etc/{name}", etc / name)
    for name in ("alternatives", "ssl/certs", "pki/tls/certs", "pki/ca-trust/extracted/pem"):
        if Path("/etc", name).is_dir():
            shutil.copytree(f"/etc/{name}", etc / name, symlinks=True, ignore_dangling_symlinks=True)
    if Path("/etc/resolv.conf").is_file():
        shutil.copyfile("/etc/resolv.conf", f"{STAGE}/resolv.conf")
    else:
        Path(STAGE, "resolv.conf").touch()
    (etc / "resolv.conf").touch()
    (etc / "passwd").write_text(
        "root:x:0:0:root:/nonexistent:/usr/sbin/nologin\n"
        "sandbox:x:1000:1000::/home/sandbox:/bin/sh\n"
        "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
    )
    (etc / "group").write_text("root:x:0:\nsandbox:x:1000:\nnogroup:x:65534:\n")
    (etc / "hosts").write_text("127.0.0.1\tlocalhost sandbox\n::1\tlocalhost sandbox\n")
    (etc / "hostname").write_text("sandbox\n")


def _prepare(shared: list[str], own: Steps) -> None:
    """The whole file tree is built once a sandbox, so that each command has one bind to do (a fifth of its time)."""
    _check(_libc.unshare(CLONE_NEWNS), "unshare the mount namespace")
    _mount("tmpfs", BOX, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")
    for name, mode in FOLDERS.items():
        os.mkdir(f"{BOX}/{name}")  # noqa: PTH102
        os.chmod(f"{BOX}/{name}", mode)  # noqa: PTH101
    _bind(ROOT, ROOT)
    for name in shared:
        os.mkdir(f"{ROOT}/{name}", 0o755)  # noqa: PTH102
        _bind(f"{SHARED}/{name}", f"{ROOT}/{name}")
    _build(own)
    # Each command copies all mounts there are, and reads their list.
    _check(_libc.umount2(SHARED.encode(), MNT_DETACH), f"unmount {SHARED}")


def _build(tree: Steps, root: str = ROOT) -> None:
    for kind, target, source in tree:
        if kind == "link":
            os.symlink(source, root + target)  # noqa: PTH211
        elif kind == "folder":
            _mount_point(target, root)
        elif kind == "pts":
            _mount("devpts", _mount_point(target, root), "devpts", MS_NOSUID, "newinstance,ptmxmode=0666,mode=620")
        elif kind == "device":
            _bind(source, _mount_point(target, root, is_folder=False))
        elif kind == "copy":
            _bind(source, _mount_point(target, root))
        elif kind == "text":
            file = Path(_mount_point(target, root, is_folder=False))
            file.write_text(source)
            file.chmod(0o644)
        else:
            point = _mount_point(target, root, is_folder=os.path.isdir(source))  # noqa: PTH112
            _bind(source, point)
            _set_attributes(point, is_read_only=kind == "read-only", is_recursive=True)


def _place(given: list[int]) -> None:
    """Mounts that nobody has yet, by descriptor: of another mount namespace nothing could be mounted by name."""
    for at, fd in enumerate(given):
        point = f"{GIVEN}/{at}"
        os.makedirs(GIVEN, exist_ok=True)  # noqa: PTH103
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            os.mkdir(point)  # noqa: PTH102
        else:
            Path(point).touch()
        flags = MOVE_MOUNT_F_EMPTY_PATH
        _check(_libc.syscall(SYS_MOVE_MOUNT, fd, b"", AT_FDCWD, point.encode(), flags), "place a given folder")
        os.close(fd)


def _on_disk(folder: str, most_mb: int) -> str:
    """A new folder in there, with those that take what is written. No file may be larger than that from now on."""
    place = f"{folder}/{os.getpid()}-{time.monotonic_ns()}"
    os.mkdir(place, 0o755)  # noqa: PTH102
    for name in WRITTEN:
        os.mkdir(f"{place}/{name}", FOLDERS[name])  # noqa: PTH102
    _check(_libc.prlimit(0, RLIMIT_FSIZE, struct.pack("QQ", most_mb << 20, most_mb << 20), None), "limit files")
    return place


def _empty(place: str, *, for_good: bool) -> None:
    """Its four folders as they were when new, or gone: with all of any depth in them, and no link is followed.

    To make and remove the folders themselves for each sandbox would take a disk as long as all else that it has to do.
    """
    tops = [f"{place}/{name}" for name in WRITTEN]
    pending, count = [*tops], 0
    while pending:
        folder = pending[-1]
        for name in os.listdir(folder):  # noqa: PTH208
            path = f"{folder}/{name}"
            if not stat.S_ISDIR(os.lstat(path).st_mode):
                os.unlink(path)  # noqa: PTH108
                continue
            try:
                os.rmdir(path)  # noqa: PTH106
            except OSError:  # not empty: up, so that no name becomes too long
                count += 1
                pending.append(f"{place}/{count}")
                os.rename(path, pending[-1])  # noqa: PTH104
        if pending[-1] == folder and folder not in tops:
            os.rmdir(pending.pop())  # noqa: PTH106
        elif pending[-1] == folder:
            pending.pop()
            for attribute in os.listxattr(folder):
                os.removexattr(folder, attribute)
            os.chown(folder, 0, 0)
            os.chmod(folder, FOLDERS[folder.rpartition("/")[2]])  # noqa: PTH101
    for folder in (*tops, place) if for_good else ():
        os.rmdir(folder)  # noqa: PTH106


def _mount_overlay(target: str, folders: list[str], part: str, *, userxattr: bool) -> None:
    """`folders`: lowest first. `part`: what the names of the pair that takes what is written begin with."""
    # Layers by descriptor: their names may hold any character, and the option string has a length limit.
    layers = [os.open(layer, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC) for layer in reversed(folders)]
    lower = ":".join(f"/proc/self/fd/{fd}" for fd in layers) or f"{STAGE}/empty"
    # redirect_dir and metacopy off: the upper folder alone then says what changed, in whole files.
    options = f"lowerdir={lower},upperdir={part}upper,workdir={part}work,index=off,"
    options += "" if part.startswith(BOX) else "volatile,"  # nothing of it is to outlive us, so no disk is waited for
    options += "userxattr" if userxattr else "redirect_dir=off,metacopy=off"
    _mount("overlay", target, "overlay", MS_NOSUID | MS_NODEV, options)
    for fd in layers:
        os.close(fd)


def _take_after(upper: str, folder: str, *, has_owners: bool) -> None:
    """An overlay's own folder is as the upper one is: owner and mode of an image's working directory are its own."""
    status = os.stat(folder)  # noqa: PTH116
    if has_owners:
        os.chown(upper, status.st_uid, status.st_gid)
    os.chmod(upper, stat.S_IMODE(status.st_mode))  # noqa: PTH101


def _mount_point(target: str, root: str = ROOT, *, is_folder: bool = True) -> str:
    """Make the folder (or file) to mount on. The layers may hold links: one in the way is refused, not followed."""
    path = root
    parts = target.strip("/").split("/")
    for i, part in enumerate(parts):
        path += "/" + part
        try:
            mode = os.lstat(path).st_mode
        except FileNotFoundError:
            if is_folder or i < len(parts) - 1:
                os.mkdir(path, 0o755)  # noqa: PTH102
            else:
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644))
            continue
        if stat.S_ISLNK(mode):
            raise OSError(errno.ELOOP, "a symbolic link lies where a mount should be", target)
    return path


def _bind(source: str, target: str) -> None:
    result = _libc.mount(os.fsencode(source), os.fsencode(target), None, MS_BIND | MS_REC, None)
    _check(result, f"bind {source} to {target}")


def bind_one(source: str, target: str) -> None:
    """Without what is mounted below it."""
    _check(_libc.mount(os.fsencode(source), os.fsencode(target), None, MS_BIND, None), f"bind {source} to {target}")


def _set_attributes(target: str, *, is_read_only: bool, is_recursive: bool) -> None:
    """mount_setattr(2), Linux 5.12: reaches the mounts below as well."""
    attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | (MOUNT_ATTR_RDONLY if is_read_only else 0)
    change = struct.pack("QQQQ", attributes, 0, 0, 0)
    flags = AT_RECURSIVE if is_recursive else 0
    _check(_libc.syscall(SYS_MOUNT_SETATTR, AT_FDCWD, os.fsencode(target), flags, change, len(change)), target)


def _dup_above(fd: int) -> int:
    return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 32)


def _mount(source: str, target: str, kind: str, flags: int, options: str) -> None:
    result = _libc.mount(source.encode(), target.encode(), kind.encode(), flags, options.encode())
    _check(result, f"mount {kind} on {target}")


def _check(result: int, what: str) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), what)


def _slurp(fd: int) -> bytes:
    return os.pread(fd, os.fstat(fd).st_size, 0)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], *json.loads(sys.argv[4]))
