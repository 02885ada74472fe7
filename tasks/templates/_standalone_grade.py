"""Grades a task where there is no Gristmill: `grade.py WORKDIR REWARD_FILE`, below a task's tests/.

Puts back the files that the task gave where changes of them do not count, lays the hidden files over them, and asks
the grader. Gristmill's own verifier does not use it: that one has a sandbox of its own.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from tasks.graders import get_grader, read_data  # noqa: E402
from tasks.graders.grading import Ran  # noqa: E402


class LocalWork:
    """The working directory of this container, as a grader sees it."""

    def __init__(self, workdir: Path) -> None:
        self._workdir = workdir

    async def read(self, path: str, *, max_bytes: int = 10_000_000) -> bytes | None:
        file = self._workdir / path
        if not file.is_file() or file.stat().st_size > max_bytes:
            return None
        return file.read_bytes()

    async def run(
        self,
        command: Sequence[str],
        *,
        timeout_sec: float,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
    ) -> Ran:
        try:
            done = subprocess.run(
                list(command), input=stdin, capture_output=True, timeout=timeout_sec, check=False,
                cwd=self._workdir / (cwd or "."), env={**os.environ, **(env or {})},
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            out, err = (stream.decode(errors="replace") if stream else "" for stream in (error.stdout, error.stderr))
            return Ran(None, out, err, timed_out=True)
        except OSError as error:
            return Ran(127, "", str(error))
        return Ran(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))

    async def put(self, files: Mapping[str, bytes]) -> None:
        for path, content in files.items():
            lay(self._workdir / path, content)


def lay(file: Path, content: bytes) -> None:
    """Write a file in place of whatever is there."""
    if file.is_symlink() or file.is_file():
        file.unlink()
    elif file.is_dir():
        shutil.rmtree(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


def main(workdir: Path, reward_file: Path) -> None:
    tests = HERE.parent
    grading = json.loads((tests / "grading.json").read_text(encoding="utf-8"))
    for folder in (tests / "given", tests / "files"):
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                lay(workdir / file.relative_to(folder), file.read_bytes())
    grader = get_grader(grading["grader"])
    grade = asyncio.run(grader.grade(LocalWork(workdir), read_data(grader, grading["data"])))
    for part in grade.parts[:200]:
        sys.stdout.write(f"{'passed' if part.passed else 'FAILED'}  {part.name}  {part.detail}\n")
    sys.stdout.write(f"{grade.evidence[-5000:]}\nreward {grade.reward:g}\n")
    reward_file.write_text(f"{min(1.0, max(0.0, grade.reward)):.6g}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]))
