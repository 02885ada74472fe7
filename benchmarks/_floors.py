"""The floors of benchmarks/rollouts.py: the same commands in as many sandboxes, by the bare tools alone.

A rollout of the floor is the agent's commands in one sandbox, then the changed file and the task's own test in a second
one. Nothing takes a diff or keeps a record.

A floor is only one where it holds what runs as well as we do. `docker run` brings Docker's filter of system calls and a
control group with it. A `bwrap` does not: so it gets our filter (`--seccomp`), and the control groups that a sandbox of
ours is in, made by the same function and removed after it; a shell joins them and becomes the `bwrap`, as one would do
it by hand. Without that, the difference was the price of limits and not of our machinery. What a floor still lacks: a
limit of what is written, an overlay, a watch over its lifetime, and whatever ends it if we are killed.
"""

import os
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from sandbox import bare_bwrap

from environments import Limits, _seccomp
from environments._launcher import memory_file
from environments.cgroups import CgroupTree, find_tree

CHANGED = "hello.txt"
LIMITS = Limits(memory_mb=512, cpus=1)  # those of the tasks
DOCKER = ["--network", "none", "--workdir", "/workspace"]


def by_bwrap(task: Path, commands: list[str]) -> None:
    """A `bwrap` a command, with the same isolation and the same view of the file system (benchmarks/sandbox.py)."""
    with tempfile.TemporaryDirectory() as agent, tempfile.TemporaryDirectory() as verifier:
        base = _filtered(bare_bwrap(Path(agent))[:-1])
        with _limited() as groups:
            for command in commands:
                _run_filtered([*groups, *base, "bash", "-c", command])
        base = _filtered(bare_bwrap(Path(verifier)))
        logs = Path(verifier, "logs")
        (logs / "verifier").mkdir(parents=True)
        shutil.copyfile(Path(agent, "work", CHANGED), Path(verifier, "work", CHANGED))
        mounts = ["--ro-bind", str(task / "tests"), "/tests", "--bind", str(logs), "/logs"]
        at = base.index("--remount-ro")  # before the root becomes read-only
        with _limited() as groups:
            command_line = [*base[:at], *mounts, *base[at : base.index("--")], "--", "bash", "/tests/test.sh"]
            _run_filtered([*groups, *command_line])
        _check(logs)


@contextmanager
def _limited() -> Iterator[list[str]]:
    """What stands before a command so that it runs in control groups of its own; nothing where none can be made."""
    tree = _tree()
    if tree is None:
        yield []
        return
    group = tree.create(uuid.uuid4().hex[:12], LIMITS)
    joining = "; ".join(f"echo 0 >{file}" for file in group.procs_files())
    try:
        yield ["/bin/sh", "-c", f'{joining}; exec "$@"', "sh"]
    finally:
        while not group.remove():
            time.sleep(0.001)


@cache
def _tree() -> CgroupTree | None:
    return find_tree()


def _filtered(command: list[str]) -> list[str]:
    """With the filter on standard input, which `bwrap` reads before it starts anything."""
    return [command[0], "--seccomp", "0", *command[1:]] if _seccomp.program() else command


def _run_filtered(command: list[str]) -> None:
    fd = memory_file(_seccomp.program())
    try:
        _run(command, stdin=fd)
    finally:
        os.close(fd)


def by_docker_run(task: Path, commands: list[str]) -> None:
    """`docker run --rm` twice; all commands of the agent in one shell."""
    with tempfile.TemporaryDirectory() as folder:
        logs = _logs(Path(folder))
        _run(["docker", "run", "--rm", *DOCKER, _image(task), "bash", "-c", "\n".join(commands)])
        _verify(task, logs, commands)
        _check(logs)


def by_docker_exec(task: Path, commands: list[str]) -> None:
    """`docker run`, an `exec` a command, `cp` of what has changed, `rm`; then `run` with the test."""
    with tempfile.TemporaryDirectory() as folder:
        logs = _logs(Path(folder))
        box = subprocess.check_output(["docker", "run", "-d", *DOCKER, _image(task), "sleep", "600"], text=True).strip()
        for command in commands:
            _run(["docker", "exec", box, "bash", "-c", command])
        _run(["docker", "cp", f"{box}:/workspace/{CHANGED}", f"{folder}/{CHANGED}"])
        _run(["docker", "rm", "--force", box])
        _verify(task, logs, commands)
        _check(logs)


def for_all(floor: object, tasks: list[Path], commands: list[str], jobs: int) -> None:
    """One rollout of each task, `jobs` at a time."""
    assert callable(floor)
    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(lambda task: floor(task, commands), tasks))


def _verify(task: Path, logs: Path, commands: list[str]) -> None:
    mounts = ["--volume", f"{task}/tests:/tests:ro", "--volume", f"{logs}:/logs"]
    change = next(command for command in commands if CHANGED in command)
    _run(["docker", "run", "--rm", *DOCKER, *mounts, _image(task), "bash", "-c", f"{change}; bash /tests/test.sh"])


def _image(task: Path) -> str:
    line = next(line for line in (task / "task.toml").read_text().splitlines() if line.startswith("docker_image"))
    return line.split('"')[1]


def _logs(folder: Path) -> Path:
    (folder / "logs" / "verifier").mkdir(parents=True)
    return folder / "logs"


def _check(logs: Path) -> None:
    if (logs / "verifier" / "reward.txt").read_text().strip() != "1":
        raise RuntimeError("the floor did not solve its task")


def _run(command: list[str], stdin: int = subprocess.DEVNULL) -> None:
    done = subprocess.run(command, stdin=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stderr.strip()[-300:]}")
