"""A base image without any registry: Debian by debootstrap, as a tar that a daemon can import."""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from environments.errors import BackendUnavailable, EnvironmentBuildFailed

SUITE = "bookworm"
BASE_WORKDIR = "/workspace"  # in the image, and the sandbox's user's
# Beside Python and git: the libraries that an interpreter of pyenv or uv is linked against.
PACKAGES = (
    *("ca-certificates", "git", "python3", "libbz2-1.0", "libexpat1", "libffi8", "libgdbm6", "liblzma5"),
    *("libncursesw6", "libnsl2", "libreadline8", "libsqlite3-0", "libssl3", "libtirpc3", "libuuid1", "zlib1g"),
)
_RECIPE = "1"  # raise it when the steps below change
_TIMEOUT_SEC = 900
_USER = "sandbox:x:1000:1000::/home/sandbox:/bin/sh\n"


def base_key() -> str:
    """Names the contents of the base image."""
    return hashlib.sha256("\n".join((_RECIPE, SUITE, *PACKAGES, _USER)).encode()).hexdigest()[:16]


def base_tar(cache: Path, *, mirror: str | None = None) -> Path:
    """The base image's files as a tar, from `cache` or made now (about a minute, needs root).

    `mirror`: a Debian mirror; by default the one that this machine's apt uses.
    Raises BackendUnavailable (what is missing), EnvironmentBuildFailed (the end of debootstrap's output).
    """
    folder = cache / "images"
    folder.mkdir(parents=True, exist_ok=True)
    finished = folder / f"base-{SUITE}-{base_key()}.tar"
    with _lock(folder / "base.lock"):
        if not finished.exists():
            _check_tools()
            with tempfile.TemporaryDirectory(prefix="base-", dir=folder) as scratch:
                made = Path(scratch, "base.tar")
                _debootstrap(Path(scratch, "root"), mirror or debian_mirror())
                _pack(Path(scratch, "root"), made)
                made.rename(finished)
    return finished


def debian_mirror(sources: Path = Path("/etc/apt")) -> str:
    """The mirror of this machine's apt for Debian's main archive. Raises BackendUnavailable if there is none."""
    files = [sources / "sources.list", *sorted(sources.glob("sources.list.d/*.list"))]
    lines = [line for file in files if file.is_file() for line in file.read_text().splitlines()]
    for line in lines:
        if match := re.match(r"deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+\S+\s+.*\bmain\b", line.strip()):
            return match[1]
    for file in sorted(sources.glob("sources.list.d/*.sources")):
        for stanza in re.split(r"\n\s*\n", file.read_text()):
            fields = dict(re.findall(r"^([A-Za-z-]+):[ \t]*(.*)$", stanza, re.M))
            if "main" in fields.get("Components", "").split() and fields.get("URIs"):
                return str(fields["URIs"].split()[0])
    raise BackendUnavailable("apt on this machine names no Debian mirror; give a base image (a registry tag) instead")


def _check_tools() -> None:
    if shutil.which("debootstrap") is None:
        raise BackendUnavailable("debootstrap is not installed, and makes the base image: apt-get install debootstrap")
    if os.geteuid() != 0:
        raise BackendUnavailable("making the base image needs root once; or give a base image (a registry tag)")


def _debootstrap(root: Path, mirror: str) -> None:
    # In a mount namespace of its own: what it mounts is gone with it, however it ends.
    command = ["unshare", "--mount", "--propagation", "private", "debootstrap", "--variant=minbase"]
    command += [f"--include={','.join(PACKAGES)}", SUITE, os.fspath(root), mirror]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_SEC, check=False)
    except subprocess.TimeoutExpired as error:
        raise EnvironmentBuildFailed(f"debootstrap took more than {_TIMEOUT_SEC} s; is the mirror slow?") from error
    if done.returncode:
        log = root / "debootstrap/debootstrap.log"
        end = (log.read_text(errors="replace") if log.exists() else done.stdout + done.stderr)[-2000:]
        raise EnvironmentBuildFailed(f"debootstrap could not make the base image from {mirror}:\n{end}")


def _pack(root: Path, target: Path) -> None:
    with (root / "etc/passwd").open("a") as passwd:
        passwd.write(_USER)
    with (root / "etc/group").open("a") as group:
        group.write("sandbox:x:1000:\n")
    for folder in ("home/sandbox", BASE_WORKDIR.strip("/")):
        (root / folder).mkdir(parents=True)
        os.chown(root / folder, 1000, 1000)
    for left_over in (
        "var/cache/apt",
        "var/lib/apt/lists",
        "var/log",
        "usr/share/doc",
        "usr/share/man",
        "usr/share/locale",
    ):
        shutil.rmtree(root / left_over, ignore_errors=True)
        (root / left_over).mkdir()
    command = ["tar", "--create", "--numeric-owner", "--one-file-system", "--sort=name", "--exclude=./dev/*"]
    command += ["--file", os.fspath(target), "--directory", os.fspath(root), "."]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_SEC, check=False)
    if done.returncode:
        raise EnvironmentBuildFailed(f"the base image could not be packed: {done.stderr[-2000:]}")


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    """One maker at a time; the lock goes with the process that holds it."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
