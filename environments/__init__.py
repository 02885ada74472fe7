"""Where a task runs: the Sandbox protocol, its backends, images and Python environments.

Imports no other room. `docker` is known only to `environments/docker.py`.

    backend = get_backend("bubblewrap")
    async with running(backend, SandboxSpec(layers=(folder,))) as sandbox:
        result = await sandbox.run(["ls"], timeout_sec=10)
"""

from environments.diff import Diff, FileChange, parse_diff
from environments.errors import (
    BackendAway,
    BackendUnavailable,
    BadDiff,
    EnvironmentBuildFailed,
    EnvironmentFault,
    SandboxGone,
    UnsupportedSpec,
)
from environments.registry import backend_names, get_backend
from environments.sandbox import Backend, CommandResult, Sandbox, running
from environments.spec import Limits, Mount, SandboxSpec, Service

__all__ = [
    "Backend",
    "BackendAway",
    "BackendUnavailable",
    "BadDiff",
    "CommandResult",
    "Diff",
    "EnvironmentBuildFailed",
    "EnvironmentFault",
    "FileChange",
    "Limits",
    "Mount",
    "Sandbox",
    "SandboxGone",
    "SandboxSpec",
    "Service",
    "UnsupportedSpec",
    "backend_names",
    "get_backend",
    "parse_diff",
    "running",
]
