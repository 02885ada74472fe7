"""The floors of benchmarks/rollouts.py: the same commands in as many sandboxes, by the bare tools alone.

A rollout of the floor is the agent's commands in one sandbox, then the changed file and the task's own test in a second
one. Nothing takes a diff, keeps a limit or a record.
"""

import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sandbox import bare_bwrap

CHANGED = "hello.txt"
DOCKER = ["--network", "none", "--workdir", "/workspace"]


def by_bwrap(task: Path, commands: list[str]) -> None:
    """A `bwrap` a command, with the same isolation and the same view of the file system (benchmarks/sandbox.py)."""
    with tempfile.TemporaryDirectory() as agent, tempfile.TemporaryDirectory() as verifier:
        base = bare_bwrap(Path(agent))[:-1]
        for command in commands:
            _run([*base, "bash", "-c", command])
        base = bare_bwrap(Path(verifier))
        logs = Path(verifier, "logs")
        (logs / "verifier").mkdir(parents=True)
        shutil.copyfile(Path(agent, "work", CHANGED), Path(verifier, "work", CHANGED))
        mounts = ["--ro-bind", str(task / "tests"), "/tests", "--bind", str(logs), "/logs"]
        at = base.index("--remount-ro")  # before the root becomes read-only
        _run([*base[:at], *mounts, *base[at : base.index("--")], "--", "bash", "/tests/test.sh"])
        _check(logs)


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


def _run(command: list[str]) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stderr.strip()[-300:]}")
