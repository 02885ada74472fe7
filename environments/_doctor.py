"""Why a backend can not run here, one line each, with what mends it."""

import os
import shutil
import subprocess
from pathlib import Path

_SETTINGS = (
    # file below /proc/sys, the value that forbids user namespaces, the command that allows them
    ("kernel/unprivileged_userns_clone", "0", "sysctl -w kernel.unprivileged_userns_clone=1"),
    ("kernel/apparmor_restrict_unprivileged_userns", "1", "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"),
    ("user/max_user_namespaces", "0", "sysctl -w user.max_user_namespaces=15000"),
    ("user/max_mnt_namespaces", "0", "sysctl -w user.max_mnt_namespaces=15000"),
)


def bubblewrap_problems(bwrap: str) -> list[str]:
    """Empty if a sandbox can be made."""
    problems = []
    if not bwrap:
        problems.append("bubblewrap is not installed: apt-get install bubblewrap")
    if shutil.which("git") is None:
        problems.append("git is not installed: apt-get install git")
    if not problems and (why := _failure_of_namespaces(bwrap)):
        problems += [
            f"user namespaces are forbidden ({file} is {value}): as root, {command}"
            for file, value, command in _SETTINGS
            if _setting(file) == value and (os.geteuid() != 0 or not file.startswith("kernel/"))
        ] or [f"bubblewrap can not make namespaces here: {why}"]
    return problems


def _failure_of_namespaces(bwrap: str) -> str:
    command = [
        bwrap,
        "--unshare-all",
        "--unshare-user",
        "--uid",
        "1000",
        "--ro-bind",
        "/",
        "/",
        "--proc",
        "/proc",
        "true",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    return done.stderr.strip() if done.returncode else ""


def _setting(file: str) -> str:
    try:
        return Path("/proc/sys", file).read_text().strip()
    except FileNotFoundError:
        return ""
