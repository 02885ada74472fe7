"""What foreign agents write of themselves, read as trajectories: a name and a function for each format.

A function takes the file's bytes and the agent's name, and raises BadImport saying what is wrong with it.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from agents.foreign.formats import claude_code, codex, mini_swe_agent, openhands, openhands_events
from trajectories.errors import BadImport
from trajectories.imports import harbor, openai_messages, swe_agent
from trajectories.imports.imported import Imported

Reader = Callable[[bytes, str], Imported]


def _of_file(module: ModuleType, suffix: str) -> Reader:
    """A reader of `trajectories.imports`, which wants a file; of several trajectories the last."""

    def read(data: bytes, name: str) -> Imported:
        with tempfile.TemporaryDirectory(prefix="gristmill-") as folder:
            file = Path(folder, f"{name}{suffix}")
            file.write_bytes(data)
            found: list[Imported] = list(module.read(file))
        if not found:
            raise BadImport(f"{name}: the file holds no trajectory")
        return found[-1]

    return read


def _atif(data: bytes, name: str) -> Imported:
    with tempfile.TemporaryDirectory(prefix="gristmill-") as folder:
        file = Path(folder, f"{name}.json")
        file.write_bytes(data)
        return Imported(task=name, format="atif", trajectory=harbor.read_atif(file))


FORMATS: dict[str, Reader] = {
    "swe-agent": _of_file(swe_agent, ".traj.json"),
    "messages": _of_file(openai_messages, ".jsonl"),
    "atif": _atif,
    "claude-code": claude_code.read,
    "codex": codex.read,
    "mini-swe-agent": mini_swe_agent.read,
    "openhands": openhands.read,
    "openhands-events": openhands_events.read,
}
