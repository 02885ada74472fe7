"""The history of a source, read only: its commits, their files, and merges of three versions of a file.

One `git log` and one `git cat-file --batch` read any number of commits; nothing of it ever gets into a sandbox.
"""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

from tasks._fetch import GIT_ENV, GIT_OPTIONS, history_place, run_git
from tasks.errors import BadSource
from tasks.source import Source

_MERGE_TIMEOUT_SEC = 30
_CHUNK = 1 << 16
_HEADER, _FIELD, _END = "\x01", "\x1f", "\x02"
_LOG = (
    *("-c", "log.showSignature=false", "log", "-z", "--raw", "--numstat", "--no-renames", "--no-abbrev"),
    *("--no-ext-diff", "--no-textconv", "--no-color", "--no-notes", "--no-decorate", "--no-mailmap"),
    f"--format={_HEADER}%H{_FIELD}%P{_FIELD}%cI{_FIELD}%s{_FIELD}%b{_END}",
)


@dataclass(frozen=True)
class FileEdit:
    """What a commit did to one path. A mode of 0 and an empty blob: the file is not there on that side."""

    path: str
    old_mode: int
    new_mode: int
    old_blob: str
    new_blob: str
    lines: int | None  # added and removed together; None for a binary file

    @property
    def is_plain(self) -> bool:
        """A regular file on every side where it is: no link, no submodule."""
        return all(mode in (0, 0o100644, 0o100755) for mode in (self.old_mode, self.new_mode))


@dataclass(frozen=True)
class Commit:
    """`edits` is empty for a merge. `date` is the committer's, ISO 8601."""

    id: str
    parents: tuple[str, ...]
    date: str
    subject: str
    body: str
    edits: tuple[FileEdit, ...]


def history_of(source: Source) -> Path | None:
    """The git folder that knows the source's revision; None for an sdist or a folder that git does not track.

    Of a git source it is the bare repository in the cache, of a folder its own, which is only read.
    """
    revision = source.revision.removesuffix("-dirty")
    if source.spec.startswith("git+"):
        place = history_place(source.spec, source.code.parents[2] / "histories")
    elif source.spec.startswith("pypi:"):
        return None
    else:
        folder = Path(source.spec).expanduser().resolve()
        found = run_git("-C", str(folder), "rev-parse", "--show-toplevel", "--absolute-git-dir")
        top, _, git_folder = found.stdout.strip().partition("\n")
        if found.returncode != 0 or Path(top).resolve() != folder:
            return None
        place = Path(git_folder)
    if not place.is_dir() or not revision:
        return None
    known = run_git("--git-dir", str(place), "cat-file", "-e", f"{revision}^{{commit}}")
    return place if known.returncode == 0 else None


def read_commits(history: Path, revision: str, *, most: int | None = None) -> Iterator[Commit]:
    """The commits that lead to a revision, newest first, as they are asked for; `most` of them.

    Raises BadSource where git cannot read them.
    """
    limit = () if most is None else (f"--max-count={most}",)
    with _started(history, *_LOG, *limit, "--end-of-options", revision, "--") as process:
        assert process.stdout is not None
        yield from _commits(_tokens(process.stdout))
        if process.wait() != 0:
            assert process.stderr is not None
            raise BadSource(f"{history}: git log failed: {process.stderr.read().decode(errors='replace').strip()}")


def _tokens(stream: IO[bytes]) -> Iterator[str]:
    rest = b""
    while chunk := stream.read(_CHUNK):
        *whole, rest = (rest + chunk).split(b"\0")
        yield from (token.decode(errors="surrogateescape") for token in whole)
    if rest:
        yield rest.decode(errors="surrogateescape")


def _commits(tokens: Iterator[str]) -> Iterator[Commit]:
    head = ""
    raw: list[tuple[str, str]] = []
    lines: dict[str, int | None] = {}
    for token in tokens:
        text = token.lstrip("\n")
        if text.startswith(_HEADER):
            if head:
                yield _commit(head, raw, lines)
            head, raw, lines = text, [], {}
        elif text.startswith(":"):
            raw.append((text, next(tokens)))
        elif text:
            added, removed, path = text.split("\t", 2)
            lines[path] = None if added == "-" else int(added) + int(removed)
    if head:
        yield _commit(head, raw, lines)


def _commit(head: str, raw: list[tuple[str, str]], lines: dict[str, int | None]) -> Commit:
    text = head.removeprefix(_HEADER).rstrip("\n").removesuffix(_END)
    commit_id, parents, date, subject, body = text.encode(errors="replace").decode().split(_FIELD, 4)
    edits = []
    for fields, path in raw:
        old_mode, new_mode, old_blob, new_blob, _ = fields.lstrip(":").split(" ")
        edits.append(FileEdit(path, int(old_mode, 8), int(new_mode, 8), old_blob, new_blob, lines.get(path, 0)))
    return Commit(commit_id, tuple(parents.split()), date, subject, body.strip(), tuple(edits))


class Blobs:
    """Contents of files by their git names, all from one process. Use as a context."""

    def __init__(self, history: Path) -> None:
        self._history = history

    def __enter__(self) -> "Blobs":
        self._starting = _started(self._history, "cat-file", "--batch")
        self._process = self._starting.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._starting.__exit__(kind, error, trace)

    def read(self, blob: str) -> bytes:
        """Raises BadSource if the repository lacks it, as a partial clone may."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None
        stdin.write(f"{blob}\n".encode())
        stdin.flush()
        answer = stdout.readline().split()
        if len(answer) != 3:
            raise BadSource(
                f"{self._history}: git has no object {blob}; fetch the whole repository (git fetch --refetch)"
            )
        data = stdout.read(int(answer[2]))
        stdout.read(1)
        return data


@contextmanager
def _started(history: Path, *arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
    try:
        process = subprocess.Popen(
            ["git", *GIT_OPTIONS, "--git-dir", str(history), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **GIT_ENV},
        )
    except FileNotFoundError as error:
        raise BadSource("git is not installed; install it, e.g. apt-get install git") from error
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def merge_file(ours: bytes, base: bytes, theirs: bytes) -> bytes | None:
    """Ours with what leads from base to theirs, by `git merge-file`; None where they touch the same lines.

    Raises BadSource where git fails.
    """
    with tempfile.TemporaryDirectory(prefix="gristmill-merge-") as folder:
        files = [Path(folder) / name for name in ("ours", "base", "theirs")]
        for file, data in zip(files, (ours, base, theirs), strict=True):
            file.write_bytes(data)
        done = subprocess.run(
            ["git", *GIT_OPTIONS, "merge-file", "-p", "--quiet", *map(str, files)],
            capture_output=True,
            cwd=folder,
            env={**os.environ, **GIT_ENV, "GIT_CEILING_DIRECTORIES": folder},
            timeout=_MERGE_TIMEOUT_SEC,
            check=False,
        )
    if done.returncode == 0:
        return done.stdout
    if done.returncode <= 127:  # the number of conflicts
        return None
    raise BadSource(f"git merge-file failed: {done.stderr.decode(errors='replace').strip()}")
