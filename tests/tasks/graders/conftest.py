"""Graders on a folder of files, for those that only read; and in the real sandbox, for those that run programs."""

import asyncio
import os
import subprocess
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from environments import Backend
from tasks.graders import Grade, Ran, get_grader, read_data
from tasks.verdict import Verdict
from tasks.verifiers.graded import grade_files

Files = Mapping[str, str | bytes]
GradeFiles = Callable[[str, dict[str, Any], Files], Awaitable[Grade]]
GradeInSandbox = Callable[..., Awaitable[Verdict]]


class FolderWork:
    """What an agent left, as a folder of this machine; nothing can be run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def read(self, path: str, *, max_bytes: int = 10_000_000) -> bytes | None:
        file = self.folder / path
        if not file.is_file() or not file.resolve().is_relative_to(self.folder) or file.stat().st_size > max_bytes:
            return None
        return file.read_bytes()

    async def run(self, *command: object, **options: object) -> Any:
        raise AssertionError("this grader is not expected to run anything")

    async def put(self, files: Mapping[str, bytes]) -> None:
        raise AssertionError("this grader is not expected to write anything")


@pytest.fixture
def graded(tmp_path: Path) -> GradeFiles:
    """`await graded("answer", {data}, {path: content})`; files of an earlier call in the same test are replaced."""

    async def grade(name: str, data: dict[str, Any], files: Files) -> Grade:
        return await _grade(FolderWork(tmp_path), name, data, files)

    return grade


class ProcessWork(FolderWork):
    """With programs as processes of this machine, for what a sandbox cannot reach: a server that a test starts."""

    async def run(
        self,
        command: Sequence[str],
        *,
        timeout_sec: float,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
    ) -> Ran:
        done = await asyncio.to_thread(
            subprocess.run,
            list(command),
            input=stdin,
            capture_output=True,
            timeout=timeout_sec,
            env={**os.environ, **(env or {})},
            cwd=self.folder,
        )
        return Ran(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))


@pytest.fixture
def on_this_machine(tmp_path: Path) -> GradeFiles:
    """As `graded`, with programs run as processes of this machine; only for trusted ones."""

    async def grade(name: str, data: dict[str, Any], files: Files) -> Grade:
        return await _grade(ProcessWork(tmp_path), name, data, files)

    return grade


async def _grade(work: FolderWork, name: str, data: dict[str, Any], files: Files) -> Grade:
    for path, content in files.items():
        (work.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (work.folder / path).write_bytes(content.encode() if isinstance(content, str) else content)
    grader = get_grader(name)
    return await grader.grade(work, read_data(grader, data))


@pytest.fixture
def sandboxed(bubblewrap: Backend) -> GradeInSandbox:
    """`await sandboxed("sql", {data}, {path: content})`: the verdict from a real, fresh sandbox."""

    async def grade(name: str, data: dict[str, Any], files: Files) -> Verdict:
        content = {path: each.encode() if isinstance(each, str) else each for path, each in files.items()}
        return await grade_files(name, data, content, bubblewrap)

    return grade
