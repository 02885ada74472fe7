"""An agent's diff, without what no agent may change, written into a fresh sandbox."""

from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path, PurePosixPath

from pydantic import BaseModel, ConfigDict

from environments.diff import Diff, FileChange
from environments.errors import EnvironmentFault
from environments.sandbox import Sandbox
from environments.spec import SandboxSpec
from tasks.paths import is_protected, is_test_code, shadowed_name
from tasks.task import Task
from tasks.testrun import VENV

_LINK = 0o120000


class SortedDiff(BaseModel):
    """What of a diff counts, and the paths that were left out."""

    model_config = ConfigDict(frozen=True)

    diff: Diff
    dropped: tuple[str, ...] = ()


def sort_out(task: Task, diff: Diff) -> SortedDiff:
    """Drop changes of protected paths, of what lies among the hidden files, and modules that hide others."""
    hidden = _hidden(task.agent_spec, task.verifier_spec)
    folders = _folders_of(hidden) - _folders_of(layer_files(task.agent_spec.layers))
    all_folders = _folders_of(layer_files(task.verifier_spec.layers))
    visible_names = {PurePosixPath(path).parts[0] for path in layer_files(task.agent_spec.layers)}
    installed = _installed(task.verifier_spec)
    allowed = frozenset(task.verifier_data.get("allowed", ()))
    import_paths = tuple(task.verifier_data.get("import_paths", ("",)))

    def may_change(change: FileChange) -> bool:
        path = change.path
        if path in allowed:
            return True
        if is_protected(path) or path in hidden or path in all_folders:
            return False
        if any(str(parent) in folders for parent in PurePosixPath(path).parents):
            return False
        if change.after is None or change.before is not None or PurePosixPath(path).parts[0] in visible_names:
            return True
        return shadowed_name(path, ("", *import_paths), installed) is None

    kept = tuple(change for change in diff.changes if may_change(change))
    dropped = tuple(change.path for change in diff.changes if not may_change(change))
    return SortedDiff(diff=Diff(changes=kept), dropped=dropped)


async def apply_diff(sandbox: Sandbox, diff: Diff) -> None:
    """Write a diff's contents: removals, then files, then links, so that nothing is written through a link.

    Raises EnvironmentFault.
    """
    gone = [change.path for change in diff.changes if change.after is None]
    links = [change for change in diff.changes if change.after is not None and change.mode == _LINK]
    stale = gone + [change.path for change in links]
    if stale:
        await _must(sandbox, ["rm", "-rf", "--", *stale])
    by_mode: dict[int, dict[str, bytes]] = defaultdict(dict)
    for change in diff.changes:
        if change.after is not None and change.mode != _LINK:
            by_mode[0o755 if change.mode == 0o100755 else 0o644][change.path] = change.after
    for mode, files in by_mode.items():
        await sandbox.write_files(files, mode=mode)
    for change in links:
        await _must(sandbox, ["mkdir", "-p", "--", str(PurePosixPath(change.path).parent)])
        await _must(sandbox, ["ln", "-sfn", "--", (change.after or b"").decode(errors="surrogateescape"), change.path])


def guarded_files(agent: SandboxSpec, verifier: SandboxSpec) -> list[str]:
    """Code and configuration of tests, which no test run writes to; data files of tests may be rewritten by tests."""
    return sorted(filter(is_test_code, _hidden(agent, verifier)))


def _hidden(agent: SandboxSpec, verifier: SandboxSpec) -> frozenset[str]:
    """Files of the verifier's sandbox that the agent's never had: tests, conftest, test configuration."""
    layers = tuple(layer for layer in verifier.layers if layer not in agent.layers)
    return layer_files(layers) - layer_files(agent.layers)


async def _must(sandbox: Sandbox, command: list[str]) -> None:
    done = await sandbox.run(command, timeout_sec=60)
    if done.exit_code != 0:
        raise EnvironmentFault(f"the diff could not be written ({command[0]}): {done.stderr.strip()[-500:]}")


@lru_cache(maxsize=256)
def layer_files(layers: tuple[Path, ...]) -> frozenset[str]:
    """Paths of the files in host folders, which never change once they are made."""

    def walk() -> Iterator[str]:
        for layer in layers:
            for path in layer.rglob("*"):
                if path.is_symlink() or not path.is_dir():
                    yield path.relative_to(layer).as_posix()

    return frozenset(walk())


def _folders_of(paths: frozenset[str]) -> frozenset[str]:
    return frozenset(str(parent) for path in paths for parent in PurePosixPath(path).parents if str(parent) != ".")


def _installed(spec: SandboxSpec) -> frozenset[str]:
    """Top-level modules of the environment that a spec mounts."""
    venvs = [mount.source for mount in spec.mounts if mount.target == VENV]
    found = (path.name for venv in venvs for path in venv.glob("lib/python3.*/site-packages/*"))
    return frozenset(name.split(".")[0] for name in found if not name.endswith((".dist-info", ".pth")))
