"""The `script` verifier: `tests/test.sh` of a task folder that others wrote, in Harbor's format.

The script writes a reward file. It is read from a fresh sandbox that the agent never had, and only after
the script has ended; an agent's own reward file does not travel, since only its diff of the working
directory does.
"""

import contextlib
import json
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from environments.diff import Diff
from environments.errors import EnvironmentFault
from environments.sandbox import Backend, CommandResult, Sandbox, running
from environments.spec import Mount, SandboxSpec
from tasks._scratch import scratch_in
from tasks.errors import VerifierFault
from tasks.task import Task
from tasks.verdict import Check, Verdict
from tasks.verifiers._apply import apply_diff

_LOGS = "/logs/verifier"
_EVIDENCE = 20_000
_MOST_REWARD = 100_000
_MEMORY = Path("/dev/shm")
_SMALL_BYTES = 256 << 10


class ScriptVerifier:
    """Reward as the script wrote it, 0…1; no reward file, or one that cannot be read, is an error, not 0."""

    name = "script"

    async def verify(self, task: Task, diff: Diff, backend: Backend) -> Verdict:
        """Never raises for what the diff does; infrastructure trouble comes back as `error`."""
        started = time.perf_counter()
        try:
            with _mounts(task, backend) as mounts:
                spec = task.verifier_spec.model_copy(update={"mounts": (*task.verifier_spec.mounts, *mounts)})
                done, rewards = await _judge(task, spec, diff, backend, logs=mounts[-1].source)
        except (EnvironmentFault, VerifierFault) as fault:
            return Verdict(reward=0.0, error=str(fault), duration_sec=time.perf_counter() - started)
        return Verdict(
            reward=_one_reward(rewards),
            checks=tuple(Check(name=name, passed=value >= 1.0, detail=f"{value:g}") for name, value in rewards.items()),
            evidence=(done.stdout + done.stderr)[-_EVIDENCE:],
            duration_sec=time.perf_counter() - started,
        )


@contextmanager
def _mounts(task: Task, backend: Backend) -> Iterator[tuple[Mount, ...]]:
    """A copy of tests/ at /tests, and /logs where the reward goes; both only for this one sandbox."""
    with scratch_in(_place_for(task.folder / "tests", backend), prefix="gristmill-verifier-") as scratch:
        tests, logs = scratch / "tests", scratch / "logs"
        shutil.copytree(task.folder / "tests", tests)
        (logs / "verifier").mkdir(parents=True)
        scratch.chmod(0o755)
        for folder in (logs, logs / "verifier"):
            folder.chmod(0o777)  # the sandbox's user is another one than ours
        yield (
            Mount(source=tests, target="/tests", read_only=False),
            Mount(source=logs, target="/logs", read_only=False),
        )


def _place_for(tests: Path, backend: Backend) -> Path:
    """In memory, where that is little: removing a folder from a busy disk takes 2 ms. A daemon may not see it there."""
    is_small = backend.name == "bubblewrap" and os.access(_MEMORY, os.W_OK)
    is_small = is_small and sum(file.lstat().st_size for file in tests.rglob("*")) <= _SMALL_BYTES
    return _MEMORY if is_small else Path(tempfile.gettempdir())


async def _judge(
    task: Task, spec: SandboxSpec, diff: Diff, backend: Backend, *, logs: Path
) -> tuple[CommandResult, dict[str, float]]:
    env = {str(key): str(value) for key, value in task.verifier_data.get("env", {}).items()}
    async with running(backend, spec) as sandbox:
        await apply_diff(sandbox, diff)
        done = await sandbox.run(["bash", "/tests/test.sh"], timeout_sec=task.verifier_timeout_sec, env=env)
        return done, await _read_rewards(sandbox, done, logs)


async def _read_rewards(sandbox: Sandbox, done: CommandResult, logs: Path) -> dict[str, float]:
    """`reward.json` (name to number) or `reward.txt` (one number). Raises VerifierFault."""
    if done.timed_out:
        raise VerifierFault("tests/test.sh did not end within [verifier] timeout_sec; no reward was read")
    names = ("reward.json", "reward.txt")
    data = next(((name, data) for name in names if (data := _written(logs, name)) is not None), None)
    for name in names if data is None else ():
        with contextlib.suppress(FileNotFoundError):
            data = name, await sandbox.read_file(f"{_LOGS}/{name}", max_bytes=_MOST_REWARD)
            break
    if data is not None:
        name, text = data[0], data[1].decode(errors="replace").strip()
        rewards = _parse(name, text)
        if not all(0.0 <= value <= 1.0 for value in rewards.values()):
            raise VerifierFault(f"tests/test.sh wrote a reward outside 0…1 to {_LOGS}/{name}: {text[:200]}")
        return rewards
    said = (done.stderr or done.stdout).strip()[-1000:]
    raise VerifierFault(
        f"tests/test.sh ended with exit code {done.exit_code} and wrote neither {_LOGS}/reward.txt nor "
        f"{_LOGS}/reward.json. It printed: {said or 'nothing'}"
    )


def _written(logs: Path, name: str) -> bytes | None:
    """The file as the folder behind /logs has it; no link that the script may have left is followed.

    None where that gives nothing (no such file, a link, not ours to read): then code inside is asked, which costs a
    command of the container each, a tenth of a short rollout.
    """
    opened: list[int] = []
    try:
        opened.append(os.open(logs, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        opened.append(os.open("verifier", flags | os.O_DIRECTORY, dir_fd=opened[0]))
        opened.append(os.open(name, flags | os.O_NONBLOCK, dir_fd=opened[1]))
        return os.read(opened[2], _MOST_REWARD) if stat.S_ISREG(os.fstat(opened[2]).st_mode) else None
    except OSError:
        return None
    finally:
        for fd in opened:
            os.close(fd)


def _parse(name: str, text: str) -> dict[str, float]:
    try:
        value = json.loads(text)
        if isinstance(value, dict) and value:
            return {str(key): float(number) for key, number in value.items()}
        return {"reward": float(value)}
    except (ValueError, TypeError) as error:
        raise VerifierFault(
            f"{_LOGS}/{name} holds no reward (a number, or names and numbers): {text[:200]!r}"
        ) from error


def _one_reward(rewards: dict[str, float]) -> float:
    """`reward` where it is named, else the mean of all."""
    return rewards["reward"] if "reward" in rewards else sum(rewards.values()) / len(rewards)
