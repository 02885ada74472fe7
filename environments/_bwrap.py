"""The options of one bwrap: what a command in a sandbox sees, and nothing else."""

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from environments._holder import BOX, STAGE, STATUS_FD
from environments.spec import Limits, Mount, SandboxSpec

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
# Of the host's kernel, not of the sandbox; its files belong to root, and where we are root so does the sandbox's user.
_READ_ONLY_PROC = ("bus", "fs", "irq", "sys", "sysrq-trigger", "mtrr", "driver", "pressure")
_HIDDEN_PROC = (
    *("acpi", "asound", "kcore", "keys", "kmsg", "kpagecgroup", "kpagecount", "kpageflags", "latency_stats"),
    *("pagetypeinfo", "sched_debug", "scsi", "slabinfo", "timer_list", "timer_stats", "vmallocinfo"),
)


def with_limits(command: Sequence[str], limits: Limits, *, has_cgroup: bool) -> list[str]:
    if has_cgroup:
        return list(command)
    script = _WITH_RLIMITS.replace("{memory_kb}", str(limits.memory_mb << 10)).replace("{pids}", str(limits.pids))
    return ["/bin/sh", "-c", script, "sh", *command]


def sandbox_options(spec: SandboxSpec) -> list[str]:
    """The part that is the same for every command of a sandbox."""
    options = ["--unshare-all", "--unshare-user", "--disable-userns", "--uid", "1000", "--gid", "1000"]
    options += ["--cap-drop", "ALL", "--die-with-parent", "--new-session", "--hostname", "sandbox", "--clearenv"]
    options += [*_system(), "--ro-bind", f"{STAGE}/etc", "/etc"]
    if spec.network:
        options += ["--share-net", "--ro-bind", f"{STAGE}/resolv.conf", "/etc/resolv.conf"]
    options += [*_proc(), "--dev", "/dev", "--bind", f"{BOX}/shm", "/dev/shm", "--remount-ro", "/dev"]
    options += ["--dir", "/run", "--dir", "/var", "--symlink", "/tmp", "/var/tmp"]
    options += ["--bind", f"{BOX}/tmp", "/tmp", "--bind", f"{BOX}/home", HOME]
    options += ["--bind", f"{BOX}/merged", spec.workdir]
    for mount in spec.mounts:
        options += ["--ro-bind" if mount.read_only else "--bind", str(mount.source), mount.target]
        for packages in _packages_of(mount):
            options += _masked(f"{mount.target}/{packages}")
    return [*options, "--remount-ro", "/"]


def command_options(base: list[str], env: Mapping[str, str], cwd: str) -> bytes:
    """All options, as `--args` wants them: so that the process list inside shows no path of the host."""
    parts = [*base, "--json-status-fd", str(STATUS_FD), "--chdir", cwd]
    for name, value in env.items():
        parts += ["--setenv", name, value]
    return b"\0".join(os.fsencode(part) for part in parts) + b"\0"


@cache
def _proc() -> tuple[str, ...]:
    options = ["--proc", "/proc"]
    for name in _READ_ONLY_PROC:
        if Path("/proc", name).exists():
            options += ["--ro-bind", f"/proc/{name}", f"/proc/{name}"]
    for name in _HIDDEN_PROC:
        path = Path("/proc", name)
        if path.exists():
            options += ["--ro-bind", f"{STAGE}/empty" if path.is_dir() else "/dev/null", os.fspath(path)]
    return tuple(options)


@cache
def _system() -> tuple[str, ...]:
    """The host's programs and libraries, without its Python packages: the code under repair could be among them."""
    options = ["--ro-bind", "/usr", "/usr"]
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        path = Path("/", name)
        if path.is_symlink():
            options += ["--symlink", os.fspath(path.readlink()), os.fspath(path)]
        elif path.is_dir():
            options += ["--ro-bind", os.fspath(path), os.fspath(path)]
    for prefix in ("/usr", "/usr/local"):
        for packages in _package_folders(Path(prefix)):
            options += _masked(f"{prefix}/{packages}")
    return tuple(options)


def _packages_of(mount: Mount) -> Iterator[str]:
    """An interpreter's own packages are hidden; a virtual environment's are what it is mounted for."""
    if mount.read_only and not (mount.source / "pyvenv.cfg").exists():
        yield from _package_folders(mount.source)


def _package_folders(prefix: Path) -> list[str]:
    found = [path for kind in ("site-packages", "dist-packages") for path in prefix.glob(f"lib/python*/{kind}")]
    return sorted(os.fspath(path.relative_to(prefix)) for path in found if path.is_dir())


def _masked(path: str) -> list[str]:
    return ["--ro-bind", f"{STAGE}/empty", path]
