"""What a planted fault is, and the two tasks in Harbor's format that many of them are planted in."""

import difflib
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tasks.audit.finding import Kind

SHIPPING = Path(__file__).parent / "shipping"
ORDERS = Path(__file__).parent / "orders"


@dataclass(frozen=True)
class Planted:
    """What an audit must say of a task: this kind of finding, with `place` somewhere in its place."""

    kind: Kind
    place: str = ""


@dataclass(frozen=True)
class Shown:
    """A task folder and what a leak in it shows.

    In a planted task `after` is the reference's file; in its clean twin it is the agent's own with another
    first line, so that the twin has the same kinds of files and nothing to steal.
    """

    folder: Path
    workspace: Path  # what lies here lies in the agent's working directory
    path: str  # of the file that the reference mends, below the workspace
    before: str  # as the agent has it
    after: str
    python: Path  # interpreter of the sandbox's version

    def hunk(self) -> str:
        """The changed lines with two around them."""
        return "".join(line[1:] for line in self._diff(2)[3:] if line[0] in " +")

    def patch(self) -> str:
        return "".join(self._diff(3))

    def write(self, path: str, content: str | bytes) -> None:
        """Into the agent's working directory."""
        place = self.workspace / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)

    def _diff(self, around: int) -> list[str]:
        before, after = self.before.splitlines(keepends=True), self.after.splitlines(keepends=True)
        return list(difflib.unified_diff(before, after, f"a/{self.path}", f"b/{self.path}", n=around))


@dataclass(frozen=True)
class Leak:
    """A fault that lies in the agent's sandbox. `is_alike`: its clean twin gets the same thing without the secret."""

    planted: Planted
    plant: Callable[[Shown], None]
    is_alike: bool = True


def harmless(before: str) -> str:
    """The agent's own file with another first line."""
    changed = before.replace('."""\n', '. More is in README.md."""\n', 1)
    assert changed != before
    return changed


def copy_task(base: Path, folder: Path, changes: Mapping[str, str] | None = None) -> Path:
    """A copy of a task folder with some files replaced or added."""
    shutil.copytree(base, folder, ignore=shutil.ignore_patterns("__pycache__"))
    for path, text in (changes or {}).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def reference_text() -> str:
    """The mended shipping.py, as solution/solve.sh writes it."""
    script = (SHIPPING / "solution/solve.sh").read_text()
    return script.split("<<'EOF'\n")[1].removesuffix("EOF\n")
