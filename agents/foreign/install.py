"""A foreign agent's folder: made once a machine below the cache, shown read-only to every sandbox.

Its name holds the hash of what it was made from, so that a folder never changes once it is there.
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path

from agents.errors import AgentFault
from agents.foreign.adapter import Adapter
from environments.spec import Mount
from tasks import Interpreter, find_interpreter

TARGET = "/opt/agents"
_TIMEOUT_SEC = 1200


def target_of(adapter: Adapter) -> str:
    return f"{TARGET}/{adapter.name}"


def python_of(adapter: Adapter) -> str:
    """The interpreter of its own environment, inside; the system's where it has none."""
    return f"{target_of(adapter)}/venv/bin/python" if adapter.install.pip else "python3"


def mounts_of(adapter: Adapter, cache: Path) -> tuple[Mount, ...]:
    """What its sandbox must be shown; installs it first where that was not done. Raises AgentFault with the reason."""
    install = adapter.install
    if install.folder is not None:
        if not install.folder.is_dir():
            raise AgentFault(f"agent {adapter.name}: install.folder {install.folder} is no folder")
        return (Mount(source=install.folder, target=target_of(adapter)),)
    if not (install.pip or install.npm or install.script):
        return ()
    own = Mount(source=_installed(adapter, cache), target=target_of(adapter))
    if not install.pip or (prefix := _interpreter(adapter).prefix) == Path("/usr"):
        return (own,)
    return (own, Mount(source=prefix, target=str(prefix)))


def _interpreter(adapter: Adapter) -> Interpreter:
    """Raises EnvironmentBuildFailed where this machine has no such Python."""
    return find_interpreter(adapter.install.python or f"{sys.version_info[0]}.{sys.version_info[1]}")


def _installed(adapter: Adapter, cache: Path) -> Path:
    python = _interpreter(adapter).model_dump(mode="json") if adapter.install.pip else None
    fields = adapter.install.model_dump(mode="json", exclude=None if adapter.install.build else {"build"})
    text = json.dumps([fields, python])  # a folder that was made before there was `build` stays as it is
    folder = cache / "agents" / f"{adapter.name}-{sha256(text.encode()).hexdigest()[:16]}"
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f".{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(prefix=".new-", dir=folder.parent) as scratch:
                new = Path(scratch, "agent")
                new.mkdir(mode=0o755)
                _fill(new, adapter)
                new.rename(folder)
    return folder


def _fill(folder: Path, adapter: Adapter) -> None:
    install = adapter.install
    if install.pip:
        venv = folder / "venv"
        python = str(_interpreter(adapter).executable)
        _run(adapter, [python, "-m", "venv", "--without-pip", str(venv)], folder)
        pip = [sys.executable, "-m", "pip", "--python", str(venv / "bin/python"), "install", "--quiet", "--no-compile"]
        pip += ["--disable-pip-version-check", "--only-binary", ":all:"]
        for name in install.build:
            pip += ["--no-binary", name]
        pip += ["--", *install.pip]
        _run(adapter, pip, folder)
        # Valid whatever the files' times become in an image; without it each start compiles all again.
        compile_all = [python, "-m", "compileall", "-q", "-q", "--invalidation-mode", "unchecked-hash"]
        subprocess.run([*compile_all, str(venv / "lib")], capture_output=True, timeout=_TIMEOUT_SEC, check=False)
    if install.npm:
        if shutil.which("npm") is None:
            raise AgentFault(f"agent {adapter.name} is installed by npm, which is not here: apt-get install npm")
        npm = ["npm", "install", "--prefix", str(folder), "--ignore-scripts", "--no-audit", "--no-fund", "--omit=dev"]
        _run(adapter, [*npm, *install.npm], folder)
    if install.script:
        _run(adapter, ["sh", "-ec", install.script], folder)


def _run(adapter: Adapter, command: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "TARGET": str(folder)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SEC,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise AgentFault(f"agent {adapter.name}: its installation took more than {_TIMEOUT_SEC} s") from error
    if done.returncode:
        words = (done.stderr.strip() or done.stdout.strip())[-1500:]
        raise AgentFault(f"agent {adapter.name} could not be installed ({command[0]} ended with code "
                         f"{done.returncode}):\n{words}")  # fmt: skip
