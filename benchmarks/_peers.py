"""The peers of benchmarks/rollouts.py: one batch of each, by its own program in its own environment."""

import json
import os
import subprocess
from pathlib import Path

PEERS = {
    "mini-swe-agent": ("mini_swe_agent.py", ("docker",)),  # its `local` has no folder of its own a task
    "inspect-ai": ("inspect_ai_eval.py", ("docker", "local")),
    "harbor": ("harbor_job.py", ("docker",)),
}
TIMEOUT_SEC = 900


def python_of(name: str) -> Path:
    """The interpreter that benchmarks/peers/install.sh makes for a peer."""
    cache = Path(os.environ.get("GRISTMILL_CACHE", "~/.cache/gristmill")).expanduser()
    return cache / "peers" / name / "bin" / "python"


def peer(
    name: str, *, kind: str, agent: str, commands: list[str], suite: Path, image: str, jobs: int, scratch: Path
) -> dict[str, float]:
    """One batch over all tasks of `suite`, after one rollout that is not counted; what it told (peers/common.py).

    Raises RuntimeError with the end of its words.
    """
    ask = {
        "suite": str(suite),
        "image": image,
        "jobs": jobs,
        "kind": kind,
        "agent": agent,
        "commands": commands,
        "scratch": str(scratch),
    }
    place = Path(__file__).with_name("peers")
    command = [str(python_of(name)), str(place / PEERS[name][0]), json.dumps(ask)]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=TIMEOUT_SEC, check=False)
    if done.returncode:
        raise RuntimeError((done.stderr or done.stdout).strip()[-1500:])
    told: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    tasks = len(list(suite.glob("*/task.toml")))
    if told["solved"] != tasks:
        raise RuntimeError(f"it solved {told['solved']} of {tasks}: {done.stderr.strip()[-1000:]}")
    return told
