"""The options of one bwrap: what a command in a sandbox sees, and nothing else."""

import os
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from environments import _seccomp
from environments._holder import BOX, FILTER_FD, ROOT, STAGE, STATUS_FD, USERS_FD
from environments._image_root import ImageRoot
from environments.spec import Limits, SandboxSpec

HOME = "/home/sandbox"
BASE_ENV = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "HOME": HOME,
    "USER": "sandbox",
    "LANG": "C.UTF-8",
    "TMPDIR": "/tmp",
}
# Where no cgroup can be had. `ulimit -p` is dash's name for bash's -u.
_WITH_RLIMITS = 'ulimit -v {memory_kb}; ulimit -u {pids} 2>/dev/null || ulimit -p {pids}; exec "$@"'
# The host kernel's own switches. Its files there belong to root, and where we are root so does the sandbox's user.
_KERNEL_SWITCHES = ("sys", "sysrq-trigger", "irq", "bus", "fs", "acpi", "scsi")
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_DEVICE_LINKS = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2", "ptmx": "pts/ptmx"}

Step = tuple[str, str, str]  # kind, target, source


def with_limits(command: Sequence[str], limits: Limits, *, has_cgroup: bool) -> list[str]:
    if has_cgroup:
        return list(command)
    script = _WITH_RLIMITS.replace("{memory_kb}", str(limits.memory_mb << 10)).replace("{pids}", str(limits.pids))
    return ["/bin/sh", "-c", script, "sh", *command]


def shared_tree() -> list[Step]:
    """What is the same in every sandbox; made once, and never written to."""
    steps = [step for step in _system() if step[0] != "link"] + [("read-only", "/etc", f"{STAGE}/etc")]
    return [*steps, *_devices(), ("folder", "/dev/pts", ""), ("folder", "/dev/shm", "")]


def own_parts() -> list[Step]:
    """What each sandbox has one of, made before it is known which one it will be."""
    steps = [step for step in _system() if step[0] == "link"]
    steps += [("pts", "/dev/pts", ""), ("writable", "/dev/shm", f"{BOX}/shm")]
    steps += [("folder", path, "") for path in ("/proc", "/run", "/var")]
    return [*steps, ("link", "/var/tmp", "/tmp"), ("writable", "/tmp", f"{BOX}/tmp"), ("writable", HOME, f"{BOX}/home")]


def device_parts() -> list[Step]:
    """A /dev of each sandbox's own, for those whose root may write to it."""
    return [*_devices(), ("pts", "/dev/pts", ""), ("writable", "/dev/shm", f"{BOX}/shm")]


def _devices() -> list[Step]:
    steps: list[Step] = [("device", f"/dev/{name}", f"/dev/{name}") for name in _DEVICES]
    return steps + [("link", f"/dev/{name}", target) for name, target in _DEVICE_LINKS.items()]


def image_tree() -> list[Step]:
    """What is laid over an image's files, which are all else that a sandbox of it sees."""
    steps: list[Step] = [("copy", "/dev", f"{BOX}/dev"), ("writable", "/tmp", f"{BOX}/tmp")]
    return [*steps, *(("read-only", f"/etc/{name}", f"{STAGE}/etc/{name}") for name in ("hosts", "hostname"))]


def own_tree(spec: SandboxSpec, image: ImageRoot | None = None) -> list[Step]:
    """What the spec adds to it, beside the working directory."""
    steps: list[Step] = []
    if spec.network:
        steps.append(("read-only", "/etc/resolv.conf", f"{STAGE}/resolv.conf"))
    for mount in spec.mounts:
        source = mount.source.resolve()
        target = image.resolved(mount.target) if image else mount.target
        steps.append(("read-only" if mount.read_only else "writable", target, os.fspath(source)))
        if mount.read_only:
            steps += [_hidden(f"{target}/{packages}") for packages in package_folders(source)]
    return steps


def sandbox_options(spec: SandboxSpec, user: tuple[int, int] = (1000, 1000)) -> bytes:
    """The part that is the same for every command of a sandbox. `user`: uid and gid, as seen inside."""
    return _options(user, shares_network=spec.network or bool(spec.services), is_root=os.geteuid() == 0)


def contained_options(spec: SandboxSpec, capabilities: tuple[str, ...], *, is_root: bool) -> bytes:
    """The same in a kept container, where the user namespace is the container's (`_holder_inside.py`)."""
    users = ["--userns", str(USERS_FD), "--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try"]
    users += [] if spec.services else ["--unshare-net"]
    rights = [part for each in capabilities for part in ("--cap-add", f"CAP_{each}")]
    return _ended([*users, *_common(rights, is_root=is_root)])


@cache
def _options(user: tuple[int, int], *, shares_network: bool, is_root: bool) -> bytes:
    options = ["--unshare-all", "--unshare-user", "--disable-userns", "--uid", str(user[0]), "--gid", str(user[1])]
    if shares_network:  # with services: shared among the sandbox's commands, made by the holder
        options.append("--share-net")
    return _ended(options + _common([], is_root=is_root))


def _common(rights: Sequence[str], *, is_root: bool) -> list[str]:
    options = ["--cap-drop", "ALL", *rights, "--die-with-parent", "--new-session", "--hostname", "sandbox"]
    options += ["--clearenv", "--dev-bind", ROOT, "/", "--proc", "/proc"]
    if _seccomp.program():
        options += ["--seccomp", str(FILTER_FD)]
    if is_root:
        options += [part for path in _switches() for part in ("--ro-bind", path, path)]
    return options


def command_options(base: bytes, env: Mapping[str, str], cwd: str) -> bytes:
    """All options, as `--args` wants them: so that the process list inside shows no path of the host."""
    parts = ["--json-status-fd", str(STATUS_FD), "--chdir", cwd]
    for name, value in env.items():
        parts += ["--setenv", name, value]
    return base + _ended(parts)


def _ended(parts: list[str]) -> bytes:
    """Each with a NUL after it."""
    return b"".join(os.fsencode(part) + b"\0" for part in parts)


@cache
def _switches() -> tuple[str, ...]:
    """Those below /proc that this kernel has, and that hold anything to write to."""
    found = []
    for name in _KERNEL_SWITCHES:
        path = Path("/proc", name)
        if name == "sys" or any(file.stat().st_mode & 0o222 for file in (path, *path.rglob("*")) if file.is_file()):
            found.append(os.fspath(path))
    return tuple(found)


@cache
def _system() -> tuple[Step, ...]:
    """The host's programs and libraries, without its Python packages: the code under repair could be among them."""
    steps: list[Step] = [("read-only", "/usr", "/usr")]
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        path = Path("/", name)
        if path.is_symlink():
            steps.append(("link", os.fspath(path), os.fspath(path.readlink())))
        elif path.is_dir():
            steps.append(("read-only", os.fspath(path), os.fspath(path)))
    steps += [_hidden(path) for path in folders_of_packages("/usr")]
    return tuple(steps)


def folders_of_packages(root: str) -> list[str]:
    """Folders in which Python packages lie, wherever a vendor has put them; of a standard library only its additions.

    An SDK below /usr/lib may hold a copy of the very package that a task is about. 0.2 s for 100,000 files.
    """
    found: list[str] = []
    pending = [root]
    while pending:
        folder = pending.pop()
        try:
            inner = [entry.path for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False)]
        except OSError:
            continue
        # os.path, not Path: of a folder that this user may not enter it says no, and does not raise.
        is_library = os.path.exists(f"{folder}/os.py") and f"{folder}/encodings" in inner  # noqa: PTH110
        if is_library:
            found += [path for path in inner if path.endswith(("/site-packages", "/dist-packages"))]
        elif folder.endswith(("/site-packages", "/dist-packages")) or any(
            os.path.exists(f"{path}/__init__.py")  # noqa: PTH110
            for path in inner
        ):
            found.append(folder)
        else:
            pending += inner
    return sorted(found)


def package_folders(prefix: Path) -> list[str]:
    """An interpreter's own packages, which are hidden; a virtual environment's are what it is mounted for."""
    if (prefix / "pyvenv.cfg").exists():
        return []
    found = [path for kind in ("site-packages", "dist-packages") for path in prefix.glob(f"lib/python*/{kind}")]
    return sorted(os.fspath(path.relative_to(prefix)) for path in found if path.is_dir())


def _hidden(path: str) -> Step:
    return ("read-only", path, f"{STAGE}/empty")
